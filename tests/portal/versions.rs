//! APIs made by hand, versions side by side, change logs and tags.

use crate::support::{Browser, Portal, Reply, seed::Product};
use portico::{auth, ids::ApiId, products};

const FIRST: &str = r#"{"openapi": "3.0.3", "info": {"title": "Parcels", "version": "1.0"}, "paths": {
  "/parcels": {"get": {"operationId": "listParcels", "summary": "List parcels", "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}], "responses": {"200": {"description": "OK"}}}},
  "/labels": {"post": {"operationId": "print", "summary": "Print a label", "responses": {"201": {"description": "Made"}}}}}}"#;
const SECOND: &str = r#"{"openapi": "3.0.3", "info": {"title": "Parcels", "version": "2.0"}, "paths": {
  "/parcels": {"get": {"operationId": "listParcels", "summary": "List parcels", "parameters": [{"name": "limit", "in": "query", "required": true, "schema": {"type": "string"}}], "responses": {"200": {"description": "OK"}}}},
  "/parcels/{id}": {"get": {"operationId": "getParcel", "summary": "One <b>parcel</b>", "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}], "responses": {"200": {"description": "OK"}}}}}}"#;

async fn import(admin: &Browser, text: &str) -> Reply {
    admin.upload("/publisher/import/api", &[("text", text)], None).await
}

/// Puts an API into a product of its own, which these groups see.
async fn open(portal: &Portal, name: &'static str, api: i64, groups: &[&str]) {
    portal.seed_product(Product { name, groups, ..Product::default() }).await;
    products::add_apis(portal.db(), &auth::operator(), name, &[ApiId(api)]).await.unwrap();
}

/// The fields of an operation as the form sends them.
fn operation<'f>(method: &'f str, template: &'f str, display: &'f str) -> Vec<(&'f str, &'f str)> {
    vec![
        ("method", method),
        ("url_template", template),
        ("display_name", display),
        ("response_status", "200"),
        ("response_description", "OK"),
    ]
}

fn parameter<'f>(name: &'f str, place: &'f str, kind: &'f str, required: &'f str, text: &'f str) -> Vec<(&'f str, &'f str)> {
    vec![
        ("parameter_name", name),
        ("parameter_place", place),
        ("parameter_type", kind),
        ("parameter_required", required),
        ("parameter_description", text),
    ]
}

async fn make(admin: &Browser) {
    let form = [
        ("display_name", "Harbour"),
        ("suffix", "harbour/v1"),
        ("tags", "Ships, harbour"),
        ("description", "What *moors* here."),
        ("api_version", "1.0"),
        ("servers", "https://api.portal.example/harbour Production\n/local"),
        ("contact_name", "Harbour desk"),
        ("contact_email", "desk@portal.example"),
        ("license_name", "MIT"),
        ("license_url", "https://portal.example/mit"),
    ];
    let reply = admin.upload("/publisher/new/api", &form, None).await;
    assert_eq!(reply.is(303).location(), "/publisher/apis/harbour");
}

#[tokio::test]
async fn an_api_is_made_by_hand_and_comes_back_from_its_export() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    admin.get("/publisher/apis").await.shows("href=\"/publisher/new/api\"");
    make(&admin).await;
    let page = admin.get("/publisher/apis/harbour").await;
    page.shows("made by hand").shows("What <em>moors</em> here.").shows("No operation yet.").shows("Harbour desk").shows("MIT");

    let add = "/publisher/apis/harbour/add-operation";
    let mut form = operation("GET", "/ships/{imo}", "One ship");
    form.extend(parameter("imo", "path", "integer", "no", "Its *number*"));
    form.extend(parameter("fields", "query", "array of string", "no", ""));
    form.extend(parameter("", "query", "string", "no", ""));
    form.extend([
        ("tags", "Ships, ships"),
        ("description", "Reads **one**."),
        ("response_status", "404"),
        ("response_description", "Not here"),
    ]);
    admin
        .post_and_follow(add, &form)
        .await
        .shows("Added the operation One ship.")
        .shows("<code>/ships/{imo}</code>")
        .shows("<h2 dir=\"auto\">Ships</h2>");
    let mut form = operation("POST", "/ships", "");
    form.extend([
        ("name", "arrive"),
        ("body_type", "application/json"),
        ("body_required", "on"),
        ("body_example", "{\"imo\": 7}"),
        ("deprecated", "on"),
    ]);
    admin.post(add, &form).await.is(303);

    open(&portal, "quay", 1, &["guests"]).await;
    let guest = portal.guest();
    guest.get("/apis/harbour").await.shows("One ship").shows("POST /ships").shows("https://<wbr>api.");
    let page = guest.get("/apis/harbour/operations/One-ship").await;
    page.shows("Its <em>number</em>").shows("array of string").shows("Not here").shows("required");
    guest.get("/apis/harbour/operations/arrive").await.shows("&#34;imo&#34;: 7").shows("Deprecated");
    guest.get("/apis/harbour/document").await.is(404);

    // Exported, and imported into the same portal: the same operations under the same names.
    for (suffix, file) in [("again-json", "openapi.json"), ("again-yaml", "openapi.yaml")] {
        let exported = guest.get(&format!("/apis/harbour/{file}")).await;
        exported.is(200).shows("Harbour desk").shows("https://portal.example/mit");
        admin.upload("/publisher/import/api", &[("suffix", suffix)], Some(&exported.bytes)).await.is(303);
    }
    let same = "select count(*) from operations o join operations n on n.api_id <> o.api_id and n.name = o.name and n.method = o.method
                and n.url_template = o.url_template and n.display_name = o.display_name and n.description = o.description and n.tags = o.tags
                where o.api_id = 1 and (n.detail = o.detail or n.name = 'arrive')";
    assert_eq!(portal.count(same).await, 4, "each operation twice");
    assert_eq!(portal.count("select count(*) from apis where servers = (select servers from apis where id = 1)").await, 3);
}

#[tokio::test]
async fn an_operation_is_edited_and_says_what_is_wrong() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    make(&admin).await;
    let add = "/publisher/apis/harbour/add-operation";
    // Rows come and go by buttons that save nothing.
    let mut form = operation("GET", "/ships/{imo}", "Typed");
    form.extend(parameter("fields", "query", "string", "yes", "kept"));
    form.push(("add", "parameter"));
    let page = admin.post(add, &form).await;
    page.is(200)
        .shows("Name of parameter 2")
        .hides("Name of parameter 3")
        .shows("value=\"kept\"")
        .shows("value=\"Typed\"")
        .shows("=\"dirty\"");
    *form.last_mut().unwrap() = ("remove_parameter", "0");
    admin.post(add, &form).await.is(200).hides("value=\"kept\"").shows("value=\"Typed\"");
    *form.last_mut().unwrap() = ("add", "response");
    admin.post(add, &form).await.is(200).shows("Status of response 2");
    form.push(("description", "Some *words* <script>"));
    *form.last_mut().unwrap() = ("preview", "1");
    admin.post(add, &form).await.is(200).shows("id=\"preview\"");
    assert_eq!(portal.count("select count(*) from operations").await, 0);
    // The template names a parameter that has no row.
    form.pop();
    form.pop();
    let page = admin.post(add, &form).await;
    page.is(422)
        .shows("id=\"url_template-error\"")
        .shows("The URL template has {imo}")
        .shows("A row was added for it")
        .shows("value=\"imo\"");
    page.shows("value=\"kept\"");
    for (method, template, extra, message) in [
        ("FETCH", "/a", &[][..], "Choose one of the methods."),
        ("GET", "a", &[], "begins with “/”"),
        ("GET", "/a", &[("name", "é")], "A name has letters without accents"),
        ("GET", "/a", &[("body_example", "x")], "Say in which media type"),
        ("GET", "/a", &[("response_status", "900"), ("response_description", "")], "A status is a number such as 200"),
        ("GET", "/a", &[("response_status", "200"), ("response_description", "")], "two responses 200"),
        ("GET", "/a", &[("response_example", "{}")], "in which media type the example of 200 is"),
        ("GET", "/a", &[("response_type", "json")], "The media type of 200 is written as in"),
    ] {
        let form = [&operation(method, template, "kept")[..], extra].concat();
        admin.post(add, &form).await.is(422).shows(message).shows("value=\"kept\"");
    }
    admin.post(add, &operation("GET", "/ships", "List ships")).await.is(303);
    admin.post(add, &operation("GET", "/ships", "Again")).await.is(422).shows("has this method and URL template already");

    let path = "/publisher/apis/harbour/operations/List-ships";
    admin.get(path).await.is(200).shows("name=\"version\" value=\"1\"").shows("value=\"List ships\"");
    let mut form = operation("GET", "/all-ships", "All ships");
    form.push(("version", "1"));
    admin.post_and_follow(path, &form).await.shows("Saved.").shows("value=\"/all-ships\"");
    form[2].1 = "Mine";
    let asked = admin.post(path, &form).await;
    asked
        .is(409)
        .shows("Somebody else saved this operation meanwhile")
        .shows("All ships")
        .shows("value=\"Mine\"")
        .shows("name=\"version\" value=\"2\"");
    *form.last_mut().unwrap() = ("version", "2");
    admin.post(path, &form).await.is(303);
    *form.last_mut().unwrap() = ("version", "3");
    admin.post_and_follow(path, &form).await.shows("Nothing was different");
    // A response has a body, which developers see, and whose loss is a change.
    form.extend([("response_type", "application/json"), ("response_example", "{\"ships\": []}")]);
    admin.post_and_follow(path, &form).await.shows("Saved.").shows("value=\"application/json\"").shows("{&#34;ships&#34;: []}</textarea>");
    portal.seed_product(Product { name: "open", groups: &["guests"], ..Product::default() }).await;
    products::add_apis(portal.db(), &auth::operator(), "open", &[ApiId(1)]).await.unwrap();
    portal.guest().get("/apis/harbour/operations/List-ships").await.shows("application/json").shows("ships");
    portal.guest().get("/apis/harbour/openapi.json").await.shows("\"application/json\"").shows("\"example\"");
    admin.get(&format!("{path}/delete")).await.is(200).shows("GET /all-ships");
    admin.post_and_follow(&format!("{path}/delete"), &[]).await.shows("Deleted the operation Mine.");
    admin.post(&format!("{path}/delete"), &[]).await.is(404);
    assert_eq!(
        portal.audited().await[1..],
        [
            "api.created",
            "api.operation_added",
            "api.operation_edited",
            "api.operation_edited",
            "api.operation_edited",
            "product.apis_added",
            "api.operation_deleted"
        ]
    );
    // What was imported is shown, with the reason why it cannot be changed here.
    import(&admin, FIRST).await.is(303);
    let path = "/publisher/apis/parcels/operations/listParcels";
    admin.get(path).await.is(200).shows("comes from the description").hides("<button class=\"btn main\">Save");
    let mut form = operation("GET", "/x", "x");
    form.push(("version", "1"));
    admin.post(path, &form).await.is(409).shows("Replace the description");
    admin.post("/publisher/apis/parcels/add-operation", &form).await.is(409);
}

#[tokio::test]
async fn what_is_changed_by_hand_is_in_the_log_once_developers_read_the_api() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    make(&admin).await;
    let add = "/publisher/apis/harbour/add-operation";
    admin.post(add, &operation("GET", "/ships", "List ships")).await.is(303);
    portal.seed_product(Product { name: "hidden", groups: &["guests"], published: false, ..Product::default() }).await;
    products::add_apis(portal.db(), &auth::operator(), "hidden", &[ApiId(1)]).await.unwrap();
    admin.post(add, &operation("POST", "/ships", "Add a ship")).await.is(303);
    assert_eq!(portal.count("select count(*) from api_changes").await, 0);

    products::publish(portal.db(), &auth::operator(), "hidden").await.unwrap();
    let path = "/publisher/apis/harbour/operations/List-ships";
    let mut form = operation("GET", "/ships", "List ships");
    form.extend(parameter("flag", "query", "string", "yes", ""));
    form.push(("version", "1"));
    admin.post(path, &form).await.is(303);
    admin.post("/publisher/apis/harbour/operations/Add-a-ship/delete", &[]).await.is(303);
    admin.post(add, &operation("PUT", "/ships", "Put a ship")).await.is(303);
    // Tags are no difference to callers.
    *form.last_mut().unwrap() = ("version", "2");
    form.push(("tags", "Ships"));
    admin.post(path, &form).await.is(303);
    assert_eq!(portal.count("select count(*) from api_changes").await, 3);
    for (browser, path) in [(&portal.guest(), "/apis/harbour/changes"), (&admin, "/publisher/apis/harbour/changes")] {
        browser.get(path).await.is(200).shows("1 changed").shows("Query parameter flag").shows("1 removed").shows("1 added");
    }
}

#[tokio::test]
async fn what_is_said_of_an_api_by_hand_is_checked() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    make(&admin).await;
    for (field, value, message) in [
        ("display_name", "", "The display name is missing."),
        ("suffix", "HARBOUR/v1", "Another API has this URL suffix."),
        ("servers", "ftp://x", "A server begins with https://"),
        ("contact_email", "nobody", "This is not an email address."),
        ("contact_url", "javascript:alert(1)", "An address begins with https://"),
        ("license_url", "https://portal.example/x", "The licence has an address, and no name."),
        ("tags", &"x".repeat(61), "A tag may have 60 characters"),
    ] {
        let mut form = vec![("display_name", "Kept"), ("description", "kept as typed")];
        form.retain(|(name, _)| *name != field);
        form.push((field, value));
        admin.upload("/publisher/new/api", &form, None).await.is(422).shows(message).shows(value).shows("kept as typed");
    }
    // The same form twice makes one API.
    let twice = [("display_name", "Twice")];
    admin.upload("/publisher/new/api", &twice, None).await.is(303);
    admin.upload("/publisher/new/api", &twice, None).await.is(422).shows("There is an API of this name already.");
    let path = "/publisher/apis/harbour/edit";
    admin.get(path).await.shows("https://api.portal.example/harbour Production").shows("value=\"Ships, harbour\"");
    let form = [
        ("version", "1"),
        ("display_name", "Harbour"),
        ("suffix", "harbour/v1"),
        ("servers", "https://two.example"),
        ("contact_name", "Me"),
    ];
    admin.upload(path, &form, None).await.is(303);
    admin.get("/publisher/apis/harbour").await.shows("https://<wbr>two.").shows(">Me<").hides("MIT").hides("Harbour desk");
    assert_eq!(portal.count("select count(*) from apis").await, 2);
}

#[tokio::test]
async fn tags_are_badges_and_filter_by_the_one_rule() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    make(&admin).await;
    import(&admin, FIRST).await.is(303);
    let edit = [("version", "1"), ("display_name", "Parcels"), ("suffix", "parcels"), ("tags", " Freight,SHIPS , freight,")];
    admin.upload("/publisher/apis/parcels/edit", &edit, None).await.is(303);
    admin.get("/publisher/apis/parcels").await.shows("<bdi>Freight</bdi>").shows("<bdi>SHIPS</bdi>");
    let list = admin.get("/publisher/apis?tag=ships").await;
    list.shows("class=\"count\">2</span>").shows("<option value=\"Freight\">");
    admin
        .get("/publisher/apis?tag=FREIGHT")
        .await
        .shows("<bdi>Parcels</bdi></a>")
        .hides("<bdi>Harbour</bdi></a>")
        .shows("value=\"Freight\" selected");
    admin.get("/publisher/apis?tag=reight").await.shows("No API matches.");
    admin.get("/publisher/apis?q=freight").await.shows("<bdi>Parcels</bdi></a>").hides("<bdi>Harbour</bdi></a>");

    open(&portal, "quay", 1, &["guests"]).await;
    open(&portal, "inside", 2, &["developers"]).await;
    let (guest, dev) = (portal.guest(), portal.developer("dev@portal.example").await);
    let page = guest.get("/apis").await;
    page.shows("/apis?tag=harbour").shows("<bdi>Harbour</bdi></a>").hides("Freight").hides("Parcels");
    guest.get("/apis?tag=freight").await.shows("No API that you may see is here.").hides("Parcels");
    let page = guest.get("/apis?tag=ships").await;
    page.shows("class=\"badge info\" aria-current=\"true\"").shows("<bdi>Harbour</bdi></a>");
    dev.get("/apis?tag=freight").await.shows("<bdi>Parcels</bdi></a>").hides("<bdi>Harbour</bdi></a>");
    dev.get("/apis?tag=ships&q=harb")
        .await
        .shows("<bdi>Harbour</bdi></a>")
        .hides("<bdi>Parcels</bdi></a>")
        .shows("name=\"tag\" value=\"ships\"");
    // The page that all guests get is that without a tag.
    guest.get("/apis").await.hides("aria-current=\"true\"").shows("<bdi>Harbour</bdi></a>");
    guest.get("/apis/harbour").await.shows("href=\"/apis?tag=harbour\"");
}

#[tokio::test]
async fn replacing_a_description_keeps_a_log_for_those_who_see_the_api() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    import(&admin, FIRST).await.is(303);
    open(&portal, "inside", 1, &["developers"]).await;
    let (guest, dev) = (portal.guest(), portal.developer("dev@portal.example").await);
    dev.get("/apis/parcels").await.is(200).hides("/apis/parcels/changes");
    dev.get("/apis/parcels/changes").await.is(200).shows("The description was not replaced yet.");
    admin.upload("/publisher/apis/parcels/replace", &[("version", "1")], Some(SECOND.as_bytes())).await.is(303);
    guest.get("/apis/parcels/changes").await.is(404);
    dev.get("/apis/parcels").await.shows("href=\"/apis/parcels/changes\"");
    admin.get("/publisher/apis/parcels").await.shows("1 entry");
    for (browser, path) in [(&dev, "/apis/parcels/changes"), (&admin, "/publisher/apis/parcels/changes")] {
        let page = browser.get(path).await;
        page.is(200).shows("1.0 → 2.0").shows("1 added, 1 removed, 1 changed").shows("Print a label").shows("<code>/parcels/{id}</code>");
        page.shows("Query parameter limit").shows("<del dir=\"auto\">integer</del>").shows("<ins dir=\"auto\">string, required</ins>");
        page.hides("<b>parcel</b>");
    }
    // The same document, and one that only reads otherwise, are no changes of operations.
    admin.upload("/publisher/apis/parcels/replace", &[("version", "2")], Some(SECOND.as_bytes())).await.is(303);
    let words = SECOND.replace("\"title\": \"Parcels\"", "\"title\": \"Parcels of old\"");
    admin.upload("/publisher/apis/parcels/replace", &[("version", "2")], Some(words.as_bytes())).await.is(303);
    assert_eq!(portal.count("select count(*) from api_changes").await, 1);
    admin.post("/publisher/apis/parcels/delete", &[]).await.is(303);
    assert_eq!(portal.count("select count(*) from api_changes").await, 0);
}

#[tokio::test]
async fn versions_stand_side_by_side_for_those_who_see_them() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    import(&admin, FIRST).await.is(303);
    open(&portal, "inside", 1, &["guests"]).await;
    let path = "/publisher/apis/parcels";
    admin.get(&format!("{path}/versions")).await.is(200).shows("This API has one version.");
    admin.get(&format!("{path}/add-version")).await.is(200).shows("value=\"v1\"").shows("value=\"v2\"").shows("value=\"parcels/v2\"");
    let at = format!("{path}/add-version");
    let form = [("version", "2"), ("set", "Parcels"), ("own_label", "v1"), ("label", "V1"), ("suffix", "parcels"), ("how", "copy")];
    let reply = admin.upload(&at, &form, None).await;
    reply.is(422).shows("Another API of this set is called so already.");
    let mut form = form;
    (form[0].1, form[3].1) = ("1", "v2");
    admin.upload(&at, &form, None).await.is(422).shows("Another API has this URL suffix.");
    assert_eq!(portal.count("select count(*) from version_sets").await, 0);
    form[4].1 = "parcels/v2";
    form[5].1 = "import";
    admin.upload(&at, &form, None).await.is(422).shows("Choose a file, or paste the text");
    let reply = admin.upload(&at, &form, Some(SECOND.as_bytes())).await;
    let second = reply.is(303).location().to_owned();
    admin.get(&second).await.shows("<b dir=\"auto\">v2</b>").shows("Parcels, 2 versions").shows("In no product yet");
    let stale = [("version", "1"), ("label", "v3"), ("suffix", "parcels/v3"), ("how", "copy"), ("same_products", "on")];
    admin.upload(&at, &stale, None).await.is(409).shows("Somebody else changed this API meanwhile").shows("value=\"v3\"");
    let mut copy = stale;
    copy[0].1 = "2";
    let third = admin.upload(&at, &copy, None).await.is(303).location().to_owned();
    let list = admin.get(&format!("{path}/versions")).await;
    list.shows("<b dir=\"auto\">v1</b>").shows("<b dir=\"auto\">v3</b>").shows("What is different");
    let compare = format!("{second}/compare/parcels");
    admin.get(&compare).await.is(200).shows("v2 compared with v1").shows("1 added, 1 removed, 1 changed").shows("Query parameter limit");
    admin.get(&format!("{third}/compare/parcels")).await.is(200).shows("Both have the same operations.");
    let public = |path: &str| path.replace("/publisher", "");
    let guest = portal.guest();
    // Each says which it is beside its name.
    let badge = "<bdi>Parcels</bdi> <span class=\"badge info\"><bdi>v3</bdi></span>";
    admin.get("/publisher/apis").await.shows(badge);
    admin.get(&third).await.shows(&format!("{badge}</h1>"));
    guest.get("/apis").await.shows(badge);
    guest.get(&public(&third)).await.shows(&format!("{badge}</h1>"));
    admin.get("/publisher/products/inside").await.shows(badge).shows(&badge.replace("v3", "v2"));
    // v2 is in no product: nobody is told of it.
    guest.get("/apis/parcels").await.shows("<b dir=\"auto\">v1</b>").shows(">v3</a>").hides(">v2</a>");
    guest.get(&public(&compare)).await.is(404);
    guest.get(&format!("{}/compare/parcels", public(&third))).await.is(200).shows("v3 compared with v1");
    // Renamed, and out of the set.
    let versions = format!("{second}/versions");
    admin.post(&versions, &[("version", "9"), ("set", "Boxes"), ("label", "v2.0")]).await.is(409).shows("value=\"Boxes\"");
    admin.post(&versions, &[("version", "2"), ("set", "Boxes"), ("label", "v3")]).await.is(422).shows("is called so already");
    admin.post_and_follow(&versions, &[("version", "2"), ("set", "Boxes"), ("label", "v2.0")]).await.shows("Saved.").shows("v2.0");
    admin.post_and_follow(&versions, &[("leave", "1")]).await.shows("no version of another any more").shows("This API has one version.");
    for api in [&third, path] {
        admin.post(&format!("{api}/delete"), &[]).await.is(303);
    }
    assert_eq!(portal.count("select count(*) from version_sets").await, 0);
}

#[tokio::test]
async fn an_api_that_is_here_becomes_a_version_of_another() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let import_titled = async |title: &str| import(&admin, &FIRST.replace("Parcels", title)).await.is(303).location().to_owned();
    let first = import_titled("Parcels").await;
    let second = import_titled("Parcels of old").await;
    let third = import_titled("Parcels of late").await;
    admin.get(&format!("{first}/versions")).await.shows("Make it a version of another API");
    let at = format!("{first}/join-version");
    admin.get(&at).await.is(200).shows("value=\"Parcels\"");
    let mut form = vec![("version", "1"), ("which", ""), ("label", "v2"), ("other_label", "V2"), ("set", "")];
    admin.post(&at, &form).await.is(422).shows("Type the name of an API.").shows("value=\"V2\"");
    form[1].1 = "PARCELS";
    let reply = admin.post(&at, &form).await;
    reply.is(422).shows("Choose the API.").shows("Parcels of old").shows("Parcels of late");
    // Nobody else is called exactly so: of those whose names contain the words, one is chosen.
    form.extend([("which_was", "PARCELS"), ("other", second.rsplit('/').next().unwrap())]);
    admin.post(&at, &form).await.is(422).shows("The name of the set is missing.").shows("is called so already");
    (form[3].1, form[4].1) = ("v1", "Parcels");
    form[0].1 = "9";
    admin.post(&at, &form).await.is(409).shows("Somebody else changed this API meanwhile").shows("value=\"PARCELS\"");
    assert_eq!(portal.count("select count(*) from version_sets").await, 0);
    form[0].1 = "1";
    let reply = admin.post_and_follow(&at, &form).await;
    reply.shows("are versions of one another now").shows("<b dir=\"auto\">v1</b>").shows("<b dir=\"auto\">v2</b>");
    admin.post(&at, &form).await.is(409).shows("is a version of something already");
    assert_eq!(admin.get(&at).await.is(303).location(), format!("{first}/versions"));
    // A third joins the set that is there.
    let at = format!("{third}/join-version");
    let mut form = vec![("version", "1"), ("which", "parcels of old"), ("label", "V1"), ("other_label", ""), ("set", "")];
    admin.post(&at, &form).await.is(422).shows("is called so already");
    form[2].1 = "v3";
    admin.post_and_follow(&at, &form).await.shows("<b dir=\"auto\">v3</b>");
    assert_eq!(portal.count("select count(*) from version_sets").await, 1);
    assert_eq!(portal.count("select count(*) from apis where version_set is not null").await, 3);
    admin.get(&format!("{third}/versions")).await.shows("Leave the set");
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "api.version_joined").count(), 2);
}

#[tokio::test]
async fn what_was_made_by_hand_is_copied_with_its_operations() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    make(&admin).await;
    let mut form = operation("GET", "/ships/{imo}", "One ship");
    form.extend(parameter("imo", "path", "integer", "yes", ""));
    form.push(("tags", "Ships"));
    admin.post("/publisher/apis/harbour/add-operation", &form).await.is(303);
    let form = [("version", "2"), ("set", "Harbour"), ("own_label", "v1"), ("label", "v2"), ("suffix", "harbour/v2"), ("how", "copy")];
    let copied = admin.upload("/publisher/apis/harbour/add-version", &form, None).await.is(303).location().to_owned();
    admin
        .get(&copied)
        .await
        .shows("made by hand")
        .shows("<code>/ships/{imo}</code>")
        .shows("<h2 dir=\"auto\">Ships</h2>")
        .shows("Harbour desk");
    admin.post(&format!("{copied}/operations/One-ship/delete"), &[]).await.is(303);
    admin.get(&format!("{copied}/compare/harbour")).await.shows("1 removed");
    assert_eq!(portal.count("select count(*) from operations").await, 1);
}

#[tokio::test]
async fn deleting_an_api_that_keys_reach_lists_whose_they_are_and_asks() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    import(&admin, FIRST).await.is(303);
    open(&portal, "inside", 1, &["developers"]).await;
    let dev = portal.developer("dev@portal.example").await;
    let path = "/publisher/apis/parcels/delete";
    admin.get(path).await.is(200).hides("with_subscriptions");
    dev.post("/products/inside/subscribe", &[("display_name", "Production")]).await.is(303);
    admin.get(path).await.shows("Dev Eloper").shows("Production").shows("Product inside").shows("name=\"subscriptions\" value=\"1\"");
    admin.post(path, &[]).await.is(409).shows("tick that they are no longer to reach it").shows("Dev Eloper");
    portal.add_user("two@portal.example", "Two", "More", portico::users::UserState::Active, false).await;
    portal.signed_in("two@portal.example").await.post("/products/inside/subscribe", &[("display_name", "Second")]).await.is(303);
    let asked = admin.post(path, &[("with_subscriptions", "on"), ("subscriptions", "1")]).await;
    asked.is(409).shows("2 live subscriptions reach this API now").shows("Two More");
    admin.post_and_follow(path, &[("with_subscriptions", "on"), ("subscriptions", "2")]).await.shows("Deleted");
    assert_eq!(portal.count("select count(*) from subscriptions where state = 'active'").await, 2);
}
