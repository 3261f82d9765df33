//! What a program may write, what becomes of it, and what it cannot do.

use super::{super::render::LinkUse, *};
use crate::mail::{Format, Rendered, Template, render, render::link_use};

const LETTER: &str = "<!DOCTYPE html >\r\n<html>\r\n  <head><title>Letter</title><style>p { color: red }</style></head>\r\n  <body>\r\n\
    <p style=\"font-size:12pt;font-family:'Segoe UI';background:url(https://evil.example)\" title=\"$DevFirstName\">Dear $DevFirstName \
    $DevLastName,</p>\r\n<p>$Comment</p><p><a href=\"$ConfirmUrl\"><strong>$ConfirmUrl</strong></a> or <a \
    href=\"http://$DevPortalUrl/products/$ProdId\">look</a></p>\r\n<p />\r\n<ul><li>one</li>\r\n<li>two</li></ul></body>\r\n</html>";

fn values() -> Values {
    Values::default()
        .set("DevFirstName", "<b onclick=x>\" onmouseover='y")
        .set("DevLastName", "$ConfirmUrl")
        .set("ConfirmUrl", "https://p.example/c?t=1&u=2")
        .set("DevPortalUrl", "https://p.example")
        .set("ProdId", "a/b")
}

fn rendered(body: &str, values: &Values) -> Rendered {
    render(&Template { body: body.to_owned(), format: Format::Html, ..Template::default() }, values)
}

fn use_of(body: &str) -> LinkUse {
    link_use(&Template { body: body.to_owned(), format: Format::Html, ..Template::default() }, Values::default())
}

fn told(body: &str) -> bool {
    let mut problems = Problems::default();
    check(body, &mut problems);
    !problems.on("body").is_empty()
}

#[test]
fn a_letter_of_another_portal_is_understood() {
    assert!(!told(LETTER));
    assert_eq!(use_of(LETTER), LinkUse::Whole);
    let Rendered { text, html, .. } = rendered(LETTER, &values());
    assert!(html.contains("<p style=\"font-size:12pt;font-family:&#39;Segoe UI&#39;\">Dear &#60;b onclick=x&#62;"), "{html}");
    assert!(
        html.contains("href=\"https://p.example/c?t=1&#38;u=2\"") && html.contains("href=\"https://p.example/products/a/b\""),
        "{html}"
    );
    for bad in ["evil", "<b", "title=", "Letter", "color: red", "<p></p>", "<html", "<!DOCTYPE"] {
        assert!(!html.contains(bad), "{bad}: {html}");
    }
    let wanted = "Dear <b onclick=x>\" onmouseover='y $ConfirmUrl,\n\nhttps://p.example/c?t=1&u=2 or look (https://p.example/products/a/b)\n\n\
                  - one\n- two\n";
    assert_eq!(text, wanted);
}

#[test]
fn a_value_is_no_address_of_its_own() {
    let values = Values::default().set("DevFirstName", "javascript:alert(1)").set("ConfirmUrl", "data:text/html,x");
    let html = rendered("<p><a href=\"$DevFirstName\">a</a><a href='$ConfirmUrl'>b</a> $ConfirmUrl</p>", &values).html;
    assert!(!html.contains("href"), "{html}");
}

#[test]
fn the_link_is_an_address_of_its_own() {
    let evil = "https://evil.example/?u=";
    let link = "<a href=\"$ConfirmUrl\">x</a>";
    for (body, usage) in [
        ("<p>x</p>".to_owned(), LinkUse::None),
        (format!("<p>{link}</p>"), LinkUse::Whole),
        ("<p>Open ($ConfirmUrl) or ${ConfirmUrl}s</p>".to_owned(), LinkUse::Whole),
        ("<p title=\"$ConfirmUrl\">$<span/>ConfirmUrl</p>".to_owned(), LinkUse::None),
        (format!("<p>{link}<a href=\"{evil}$ConfirmUrl\">y</a></p>"), LinkUse::InsideAnother),
        (format!("<p>{evil}$ConfirmUrl</p>"), LinkUse::InsideAnother),
        (format!("<p>{evil}<b>$ConfirmUrl</b></p>"), LinkUse::InsideAnother),
        (format!("<p>{evil}<a href=\"$ConfirmUrl\">$ConfirmUrl</a></p>"), LinkUse::InsideAnother),
        (format!("<table><caption>{evil}$ConfirmUrl</caption><tr><td>{link}</td></tr></table>"), LinkUse::InsideAnother),
        (format!("<ol>{evil}$ConfirmUrl<li>{link}</li></ol>"), LinkUse::InsideAnother),
        (format!("<dl>{evil}$ConfirmUrl<dd>{link}</dd></dl>"), LinkUse::InsideAnother),
        (format!("<p>{link} <s>{evil}$ConfirmUrl</s></p>"), LinkUse::InsideAnother),
        (format!("<div>{link}{}{evil}$ConfirmUrl</div>", "<blockquote/>".repeat(600)), LinkUse::InsideAnother),
        (format!("<p>{link} {evil}($ConfirmUrl {evil}'$ConfirmUrl</p>"), LinkUse::InsideAnother),
        (format!("<p>{link} {evil}“$ConfirmUrl</p>"), LinkUse::InsideAnother),
        (format!("<ul><li>{link} {evil}b<i>$ConfirmUrl</i></li></ul>"), LinkUse::InsideAnother),
        (format!("<p>{evil}&#36;ConfirmUrl</p>"), LinkUse::InsideAnother),
        (format!("<p>{evil}<![CDATA[$ConfirmUrl]]></p>"), LinkUse::InsideAnother),
    ] {
        assert_eq!(use_of(&body), usage, "{body}");
    }
}

#[test]
fn what_is_no_letter_is_refused_and_nothing_takes_long() {
    let deep = format!("{}x{}", "<div>".repeat(60), "</div>".repeat(60));
    let many = format!("<p>{}</p>", "<b/>".repeat(2_001));
    for body in ["Hello", "", "<p>x", "<p>x</p><p>y</p>", "<p>\n#if ($A)\nx\n#end\n</p>", &deep, &many, "<p>&nbsp;</p>"] {
        assert!(told(body), "{body}");
    }
    let laughs = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\">]><a>&d;&d;</a>";
    let began = std::time::Instant::now();
    for body in [
        laughs.to_owned(),
        format!("<div>{}{}</div>", (0..300).map(|n| format!("<b lang=\"{n}\"/>")).collect::<String>(), "<p/>x".repeat(400)),
        format!("<div>{}</div>", "<div/>".repeat(1_900)),
        "<ol start=\"9223372036854775807\"><li>a</li><li>b</li></ol>".to_owned(),
        format!("<p>{}</p>", "$".repeat(19_000)),
    ] {
        told(&body);
        use_of(&body);
        rendered(&body, &values());
    }
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

#[test]
fn styles_are_words_and_numbers() {
    for (text, kept) in [
        ("color: #003363; FONT-SIZE:12pt", Some("color:#003363;font-size:12pt")),
        ("font-family:'Segoe UI',Arial, \"Noto Sans\"", Some("font-family:'Segoe UI',Arial, 'Noto Sans'")),
        ("background-color:url(\"https://evil.example\")", None),
        ("width:expression(alert(1))", None),
        ("font-family:\"'; background:url(https://evil.example/);a\"", None),
        ("color:\\75rl", None),
        ("color:$DevFirstName", None),
        ("position:fixed", None),
    ] {
        assert_eq!(style(text).as_deref(), kept, "{text}");
    }
}

#[test]
fn blocks_that_stand_beside_one_another_do_not_touch() {
    for body in [
        "<div><p>Q</p>W</div>",
        "<div>Q<p>W</p></div>",
        "<div><h1>Q</h1>W</div>",
        "<ul><li>Q<p>W</p></li></ul>",
        "<ul><li><p>Q</p>W</li></ul>",
        "<ul><li><p>Q</p><p>W</p></li></ul>",
        "<ul><li>Q</li>W</ul>",
        "<ul><li>Q<ul>W</ul></li></ul>",
        "<div>Q<ul>W</ul></div>",
        "<div><ul><li>Q</li></ul>W</div>",
        "<div>Q<hr/>W</div>",
        "<div>Q<br/>W</div>",
        "<table><caption>Q</caption><tr><td>W</td></tr></table>",
        "<table><tr><td>Q</td><td>W</td></tr></table>",
        "<dl>Q<dd>W</dd></dl>",
    ] {
        let text = rendered(body, &Values::default()).text;
        let between = &text[text.find('Q').unwrap() + 1..text.find('W').unwrap()];
        assert!(between.contains(char::is_whitespace), "{body}: {text:?}");
    }
}
