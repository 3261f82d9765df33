//! What mails say, by the management API.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, SERVICE, json_of, refusal};
use crate::support::Portal;

const LETTER: &str = "<!DOCTYPE html >\r\n<html>\r\n  <head><title>Letter</title></head>\r\n  <body>\r\n    <p style=\"color:#003363\">Dear \
    $DevFirstName $DevLastName,</p>\r\n    <p>welcome to <a href=\"http://$DevPortalUrl\">$OrganizationName</a>.</p>\r\n  </body>\r\n</html>";

#[tokio::test]
async fn a_program_writes_the_words_in_html_and_takes_them_back() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let program = Program::new(&portal, "write").await;
    let here = "/templates/newDeveloperNotificationMessage";
    let reply = program.ask(Method::GET, "/templates/NEWDEVELOPERNOTIFICATIONMESSAGE", "", None).await;
    let (tag, entity) = (reply.header("etag").to_owned(), json_of(&reply));
    assert_eq!((&entity["id"], &entity["name"]), (&json!(format!("{SERVICE}{here}")), &json!("newDeveloperNotificationMessage")));
    let properties = &entity["properties"];
    assert_eq!((&properties["isDefault"], &properties["subject"]), (&json!(true), &json!("Welcome to $OrganizationName")));
    let parameters: Vec<&str> = properties["parameters"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(parameters, ["DevFirstName", "DevLastName", "DevEmail", "OrganizationName", "DevPortalUrl"]);

    // A program that writes back what it read changes nothing, and what it did not say stays.
    assert_eq!(json_of(program.put(here, properties.clone()).await.is(200)), entity);
    let made = program.ask(Method::PUT, here, &tag, Some(json!({ "subject": "Welcome, $DevFirstName", "body": LETTER }))).await;
    assert_eq!(json_of(made.is(201))["properties"]["isDefault"], false);
    assert_eq!(program.ask(Method::PATCH, here, &tag, Some(json!({ "subject": "x" }))).await.status, 412);
    let patched = json_of(program.patch(here, json!({ "subject": "Hello $DevFirstName" })).await.is(200));
    assert_eq!(patched["properties"]["body"], LETTER.replace("\r\n", "\n"));

    // The page keeps the format, and mails go out in both.
    let page = "/publisher/mail-templates/new-developer";
    admin.get(page).await.is(200).shows("HTML, as a program wrote it").shows("Dear Ana Alves,");
    let form = [("version", "2"), ("subject", "Hello $DevFirstName"), ("body", "Not *HTML*")];
    admin.post(page, &form).await.is(422).shows("not a document of well-formed XML").shows("Not *HTML*");
    let form = [("version", "2"), ("subject", "Hello"), ("body", "<p>Dear ${DevFirstName}s</p>")];
    admin.post(&format!("{page}/test"), &form).await.is(200).shows("A test is on its way to you.");
    portal.send_mails().await;
    let mail = smtp.newest("root@portal.example");
    assert!(mail.text().contains("Dear Roots"), "{}", mail.text());
    assert!(mail.raw.contains("<p>Dear Roots</p>"), "{}", mail.raw);

    for (body, target, words) in [
        (json!({ "subject": "" }), "subject", "missing"),
        (json!({ "subject": "x".repeat(1001) }), "subject", "1000 characters"),
        (json!({ "body": "" }), "body", "missing"),
        (json!({ "body": "<p>x" }), "body", "well-formed XML"),
        (json!({ "body": "<p>$ProdName</p>" }), "body", "$ProdName is no parameter"),
        (json!({ "title": "Another" }), "title", "cannot be changed"),
        (json!({ "parameters": [{ "name": "a b" }] }), "parameters", "letters, digits"),
    ] {
        let (status, code, at, message) = refusal(&program.patch(here, body.clone()).await);
        assert_eq!((status, code.as_str(), at.as_str()), (400, "ValidationError", target), "{body}");
        assert!(message.contains(words), "{body}: {message}");
    }
    assert_eq!(program.ask(Method::DELETE, here, "\"1\"", None).await.status, 412);
    assert_eq!(program.status(Method::DELETE, here).await, 204);
    assert_eq!(program.get(here).await, entity);
    let mails: Vec<String> = portal.audited().await.into_iter().filter(|action| action.starts_with("mail.")).collect();
    assert_eq!(mails, ["mail.template_edited", "mail.template_edited", "mail.template_reset"]);
}

#[tokio::test]
async fn templates_are_those_of_the_model_and_then_the_portals_own() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    let names = program.names("/templates?$top=1000").await;
    assert_eq!(names.len(), 28, "{names:?}");
    assert_eq!(program.get("/templates?$top=3&$skip=2").await["count"], names.len());
    let found = program.names("/templates?$filter=contains(name,'PASSWORDRESET') or name eq 'key-regenerated'").await;
    assert_eq!(found, ["passwordResetByAdminNotificationMessage", "passwordResetIdentityDefault", "key-regenerated"]);
    assert_eq!(
        program.names("/templates?$filter=not (name ge 'b')").await,
        ["accountClosedDeveloper", "applicationApprovedNotificationMessage", "account-exists", "address-in-use", "access-lost"]
    );
    assert_eq!(program.ask(Method::GET, "/templates?$filter=subject eq 'x'", "", None).await.status, 400);

    // What is never sent here is read as it is.
    let never = "/templates/newIssueNotificationMessage";
    assert_eq!(program.get(never).await["properties"]["parameters"], Value::Array(Vec::new()));
    assert_eq!(refusal(&program.put(never, json!({ "subject": "x" })).await).2, "templateName");
    assert_eq!(program.status(Method::DELETE, never).await, 400);
    assert_eq!(program.status(Method::GET, "/templates/none").await, 404);
    assert_eq!(program.status(Method::DELETE, "/templates/none").await, 204);
    // A link that lets somebody in stays in it, and goes to nobody else.
    let reset = "/templates/passwordResetIdentityDefault";
    for (body, why) in
        [("<p>x</p>", "Without $ConfirmUrl"), ("<p><a href='https://evil.example/?$ConfirmUrl'>x</a></p>", "an address of its own")]
    {
        let (.., target, message) = refusal(&program.patch(reset, json!({ "body": body })).await);
        assert!(target == "body" && message.contains(why), "{message}");
    }
}
