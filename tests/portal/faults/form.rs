//! What a browser would send of a form on a page.

fn text_of(html: &str) -> String {
    let mut text = html.to_owned();
    for (entity, character) in [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")] {
        text = text.replace(entity, character);
    }
    text
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(text_of(tag[at..].split('"').next()?))
}

/// Whether the tag carries a word outside its values.
fn has(tag: &str, word: &str) -> bool {
    tag.split('"').step_by(2).any(|outside| outside.split_whitespace().any(|found| found == word))
}

/// The fields of the form that goes to this address, as they would be sent untouched and without a button.
pub fn fields(page: &str, action: &str) -> Vec<(String, String)> {
    let from = page.find(&format!("method=\"post\" action=\"{action}\"")).unwrap_or_else(|| panic!("no form to {action}:\n{page}"));
    let form = &page[from..from + page[from..].find("</form>").expect("the form's end")];
    let mut fields = Vec::new();
    for piece in form.split('<').skip(1) {
        let (tag, after) = piece.split_once('>').unwrap_or((piece, ""));
        let Some(name) = attribute(tag, "name") else { continue };
        if tag.starts_with("textarea") {
            fields.push((name, text_of(after.strip_prefix('\n').unwrap_or(after))));
        } else if tag.starts_with("input") && !has(tag, "disabled") {
            let kind = attribute(tag, "type").unwrap_or_default();
            if !matches!(kind.as_str(), "checkbox" | "radio") || has(tag, "checked") {
                fields
                    .push((name, attribute(tag, "value").unwrap_or_else(|| if kind == "checkbox" { "on".into() } else { String::new() })));
            }
        }
    }
    fields
}

pub fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn a_form_is_read_as_a_browser_reads_it() {
    let page = "<form class=\"x\" method=\"post\" action=\"/a\"><input type=\"hidden\" name=\"v\" value=\"1\"><input type=\"checkbox\" name=\"b\" value=\"one\" checked>\
                <input type=\"checkbox\" name=\"b\" value=\"checked\"><textarea name=\"t\" rows=\"4\">\n&#60;b&#62; &#38;#60;</textarea><button name=\"x\">x</button></form><input name=\"no\">";
    let sent = fields(page, "/a");
    assert_eq!(borrowed(&sent), [("v", "1"), ("b", "one"), ("t", "<b> &#60;")]);
}
