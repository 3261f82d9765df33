//! A call as a program: curl, Python, JavaScript and Go, each with what its own standard way of calling is.
//! Values come from strangers' descriptions and from forms, so every one is written as a literal of the language.

use std::fmt::Write;

use super::Call;

/// A call in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// As in an address: `python`.
    pub id: &'static str,
    pub language: &'static str,
    pub text: String,
}

/// The call in every language.
pub fn samples(call: &Call) -> Vec<Sample> {
    let sample = |id, language, text| Sample { id, language, text };
    vec![
        sample("curl", "curl", curl(call)),
        sample("python", "Python (requests)", python(call)),
        sample("javascript", "JavaScript (fetch)", javascript(call)),
        sample("go", "Go (net/http)", go(call)),
    ]
}

/// In single quotes, as POSIX shells read it.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// In double quotes with JSON's escapes, which Python, JavaScript and Go read alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn curl(call: &Call) -> String {
    let mut text = "curl".to_owned();
    match (call.method.as_str(), &call.body) {
        ("GET", None) => {}
        ("HEAD", None) => text.push_str(" --head"),
        (method, _) => {
            let _ = write!(text, " --request {}", shell_word(method));
        }
    }
    if call.url.contains(['{', '}', '[', ']']) {
        text.push_str(" --globoff");
    }
    let _ = write!(text, " {}", shell(&call.url));
    for (name, value) in &call.headers {
        let _ = write!(text, " \\\n  --header {}", shell(&format!("{name}: {value}")));
    }
    if let Some(body) = &call.body {
        let _ = write!(text, " \\\n  --data-raw {}", shell(body));
    }
    text
}

/// As it is when it is plain, else quoted.
fn shell_word(word: &str) -> String {
    if word.bytes().all(|byte| byte.is_ascii_alphanumeric()) { word.to_owned() } else { shell(word) }
}

fn python(call: &Call) -> String {
    let mut text = format!("import requests\n\nresponse = requests.request(\n    {},\n    {},\n", quoted(&call.method), quoted(&call.url));
    if !call.headers.is_empty() {
        text.push_str("    headers={\n");
        for (name, value) in &call.headers {
            let _ = writeln!(text, "        {}: {},", quoted(name), quoted(value));
        }
        text.push_str("    },\n");
    }
    if let Some(body) = &call.body {
        // A raw text keeps its lines; one that could end it, or end in a backslash, is escaped instead.
        let raw = !body.contains("'''") && !body.ends_with(['\\', '\'']) && !body.contains('\r');
        let literal = if raw { format!("r'''{body}'''") } else { quoted(body) };
        let _ = writeln!(text, "    data={literal}.encode(\"utf-8\"),");
    }
    text.push_str("    timeout=30,\n)\nresponse.raise_for_status()\nprint(response.text)");
    text
}

fn javascript(call: &Call) -> String {
    let mut text = format!("const response = await fetch({}, {{\n  method: {},\n", quoted(&call.url), quoted(&call.method));
    if !call.headers.is_empty() {
        text.push_str("  headers: {\n");
        for (name, value) in &call.headers {
            let _ = writeln!(text, "    {}: {},", quoted(name), quoted(value));
        }
        text.push_str("  },\n");
    }
    if let Some(body) = &call.body {
        let literal = body.replace('\\', r"\\").replace('`', r"\`").replace("${", r"\${");
        let _ = writeln!(text, "  body: `{literal}`,");
    }
    text.push_str(
        "});\nif (!response.ok) throw new Error(`${response.status} ${response.statusText}`);\nconsole.log(await response.text());",
    );
    text
}

fn go(call: &Call) -> String {
    let mut text = "package main\n\nimport (\n\t\"fmt\"\n\t\"io\"\n\t\"log\"\n\t\"net/http\"\n".to_owned();
    if call.body.is_some() {
        text.push_str("\t\"strings\"\n");
    }
    text.push_str(")\n\nfunc main() {\n");
    let body = match &call.body {
        Some(body) => {
            let literal = if body.contains(['`', '\r']) { quoted(body) } else { format!("`{body}`") };
            let _ = writeln!(text, "\tbody := strings.NewReader({literal})");
            "body"
        }
        None => "nil",
    };
    let _ = writeln!(text, "\trequest, err := http.NewRequest({}, {}, {body})", quoted(&call.method), quoted(&call.url));
    text.push_str("\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n");
    for (name, value) in &call.headers {
        let _ = writeln!(text, "\trequest.Header.Set({}, {})", quoted(name), quoted(value));
    }
    text.push_str(
        "\tresponse, err := http.DefaultClient.Do(request)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tdefer response.Body.Close()\n\tanswer, err := io.ReadAll(response.Body)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tfmt.Println(response.Status)\n\tfmt.Println(string(answer))\n}",
    );
    text
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    use super::*;

    /// What tries to leave its quotes in each of the languages.
    const NASTY: &str = "it's \"q\" `b` ${x} $(id) \\ ''' \\' é\u{1f980}\nline 2\n\"\"\" end\\";

    fn call(body: Option<&str>) -> Call {
        Call {
            method: "POST".to_owned(),
            url: "https://api.example/a'b?x={y}".to_owned(),
            headers: vec![("X-Portico-Key".to_owned(), "<key of “it's”>".to_owned())],
            body: body.map(str::to_owned),
        }
    }

    #[test]
    fn a_shell_reads_each_argument_as_it_was_meant() {
        let text = curl(&call(Some(NASTY)));
        let script = text.replacen("curl", "printf '%s\\0'", 1);
        let output = Command::new("sh").arg("-c").arg(script).output().expect("a shell");
        let arguments: Vec<String> = String::from_utf8(output.stdout).expect("UTF-8").split('\0').map(str::to_owned).collect();
        let expected = [
            "--request",
            "POST",
            "--globoff",
            "https://api.example/a'b?x={y}",
            "--header",
            "X-Portico-Key: <key of “it's”>",
            "--data-raw",
            NASTY,
            "",
        ];
        assert_eq!(arguments, expected);
    }

    /// Runs where there is a Python; the literals are evaluated and must come back as they were.
    #[test]
    fn python_reads_the_literals_as_they_were_meant() {
        for body in [NASTY, "{\n  \"a\": \"it's\"\n}", "ends in a quote'", "a\r\nb"] {
            let text = python(&call(Some(body)));
            let program = "import sys\nfrom types import SimpleNamespace as S\ndef request(*a, **k):\n    sys.stdout.buffer.write(k['data'] + b'\\0' + a[1].encode() + b'\\0' + k['headers']['X-Portico-Key'].encode())\n    sys.exit(0)\nsys.modules['requests'] = S(request=request)\n";
            let started = Command::new("python3").arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
            let Ok(mut child) = started else { return };
            child.stdin.take().expect("its input").write_all(format!("{program}{text}\n").as_bytes()).expect("written");
            let output = child.wait_with_output().expect("it ends");
            let parts = String::from_utf8(output.stdout).expect("UTF-8");
            assert_eq!(parts.split('\0').collect::<Vec<_>>(), [body, "https://api.example/a'b?x={y}", "<key of “it's”>"], "{text}");
        }
    }

    #[test]
    fn what_needs_no_body_has_none() {
        let get = Call { method: "GET".to_owned(), body: None, ..call(None) };
        assert!(curl(&get).starts_with("curl --globoff 'https://api.example/a'\\''b?x={y}' \\\n"), "{}", curl(&get));
        assert!(!go(&get).contains("strings") && go(&get).contains("nil)"), "{}", go(&get));
        assert!(!javascript(&get).contains("body") && !python(&get).contains("data="));
    }

    #[test]
    fn javascript_and_go_keep_the_body_inside_its_literal() {
        let text = javascript(&call(Some("`${1+1}` \\")));
        assert!(text.contains(r"body: `\`\${1+1}\` \\`,"), "{text}");
        assert!(go(&call(Some("a`b"))).contains("strings.NewReader(\"a`b\")"));
        assert!(go(&call(Some("{\n}"))).contains("strings.NewReader(`{\n}`)"));
    }
}
