//! Subscribing, one's own subscriptions, and all of them for administrators.

mod ends;
mod placing;
mod sight;

use crate::support::{Browser, PASSWORD, Portal, Reply, START, seed::Product};
use portico::db::Select;

const NAME: &str = "Production line";

async fn subscribe(browser: &Browser, product: &str, name: &str) -> Reply {
    browser.post(&format!("/products/{product}/subscribe"), &[("display_name", name)]).await
}

async fn with_product(product: Product<'_>) -> (Portal, Browser) {
    let portal = Portal::start().await;
    portal.seed_product(product).await;
    let dev = portal.developer("dev@portal.example").await;
    (portal, dev)
}

/// The keys on a page.
fn keys_on(page: &str) -> Vec<&str> {
    page.split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)))
        .collect()
}

#[tokio::test]
async fn without_approval_it_is_active_and_its_keys_are_shown_on_request() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    dev.get("/products/orders").await.is(200).shows("You get two keys at once.").shows("value=\"Product orders\"");
    let made = subscribe(&dev, "orders", NAME).await;
    made.is(303);
    let path = made.location().to_owned();
    let page = dev.get(&path).await;
    page.is(200).shows("Subscribed to Product orders. Your two keys are ready.").shows(NAME).shows("Active").shows("Show keys");
    assert!(keys_on(&page.text).is_empty(), "no key before it is asked for");
    dev.get(&format!("{path}/keys")).await.is(405);

    let shown = dev.post(&format!("{path}/keys"), &[]).await;
    shown.is(200);
    assert_eq!(shown.header("cache-control"), "no-store");
    let keys = keys_on(&shown.text);
    assert_eq!(keys.len(), 2, "{}", shown.text);
    assert_ne!(keys[0], keys[1]);
    let list = dev.get("/account/subscriptions").await;
    list.shows(NAME).shows("Product orders").shows("Active");
    let admin = portal.administrator().await;
    let all = admin.get("/publisher/subscriptions").await;
    all.shows(NAME).shows("Dev Eloper").shows("Product orders");
    for page in [&list, &all, &dev.get(&path).await, &dev.get("/products/orders").await] {
        assert!(keys_on(&page.text).is_empty(), "{}", page.text);
    }
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "subscription.keys_shown").count(), 1);

    // At rest: neither key, in no column and in no entry of the log.
    let mut connection = portal.db().read().await.unwrap();
    let stored = Select::new(&connection, "select primary_key, secondary_key, primary_mac, secondary_mac from subscriptions")
        .all::<(Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>)>(&mut connection)
        .await
        .unwrap();
    let logged = Select::new(&connection, "select coalesce(before, '') as b, coalesce(after, '') as a from audit")
        .all::<(String, String)>(&mut connection)
        .await
        .unwrap();
    for key in keys {
        for (primary, secondary, mac, other_mac) in &stored {
            for column in [primary, secondary, mac, other_mac] {
                assert!(!column.windows(32).any(|window| window == key.as_bytes()));
            }
            let found = portal.state.keys.lookup(portico::subscriptions::KEY, key);
            assert!(*mac == found || *other_mac == found, "a key is found by its MAC");
        }
        assert!(!logged.iter().any(|(before, after)| before.contains(key) || after.contains(key)));
    }
}

#[tokio::test]
async fn with_approval_it_is_submitted_and_shows_no_keys() {
    let (portal, dev) =
        with_product(Product { name: "orders", groups: &["developers"], approval_required: true, ..Product::default() }).await;
    let made = subscribe(&dev, "orders", NAME).await;
    let page = dev.get(made.location()).await;
    page.shows("Asked for a subscription").shows("Submitted").hides("Show keys");
    let refused = dev.post(&format!("{}/keys", made.location()), &[]).await;
    refused.is(409).shows("this one is submitted");
    assert!(keys_on(&refused.text).is_empty());
    assert!(!portal.audited().await.contains(&"subscription.keys_shown".to_owned()));
}

#[tokio::test]
async fn sending_the_form_twice_makes_one() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let (first, second) = tokio::join!(subscribe(&dev, "orders", NAME), subscribe(&dev, "orders", "  PRODUCTION line "));
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!(first.location(), second.location());
    assert_eq!(portal.count("select count(*) from subscriptions").await, 1);
    let again = dev.post_and_follow("/products/orders/subscribe", &[("display_name", NAME)]).await;
    // Which of the two came first is the scheduler's choice; the one that did is the one that is kept.
    let kept = if again.text.contains("PRODUCTION line") { "PRODUCTION line" } else { NAME };
    again.shows(&format!("You have a subscription with the name {kept} to Product orders already"));
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "subscription.created").count(), 1);
    dev.get("/products/orders").await.shows("Your subscriptions").shows(kept);
}

#[tokio::test]
async fn the_limit_counts_live_ones() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["developers"], limit: Some(2), ..Product::default() }).await;
    let names: Vec<String> = (0..6).map(|number| format!("Number {number}")).collect();
    let statuses = futures_util::future::join_all(names.iter().map(|name| subscribe(&dev, "orders", name))).await;
    assert_eq!(statuses.iter().filter(|reply| reply.status == 303).count(), 2, "two of six at once");
    statuses.iter().filter(|reply| reply.status != 303).for_each(|reply| {
        reply.is(409).shows("This product allows 2 subscriptions, and you have them all.");
    });
    let page = dev.get("/products/orders").await;
    page.shows("and you have them all").hides("name=\"display_name\"");
    let held = statuses.iter().find(|reply| reply.status == 303).unwrap().location().to_owned();
    dev.post(&format!("{held}/cancel"), &[]).await.is(303);
    dev.get("/products/orders").await.shows("You hold 1 of 2.");
    subscribe(&dev, "orders", "Another").await.is(303);
    // Somebody else's do not count.
    let other = portal.developer("other@portal.example").await;
    subscribe(&other, "orders", NAME).await.is(303);
}

#[tokio::test]
async fn terms_must_be_accepted_as_they_are_and_are_kept() {
    let (portal, dev) =
        with_product(Product { name: "orders", groups: &["developers"], terms: "Be **kind**.", ..Product::default() }).await;
    let page = dev.get("/products/orders").await;
    let mark = page.text.split("name=\"shown_terms\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let refused = subscribe(&dev, "orders", NAME).await;
    refused.is(422).shows("Accept the terms of use to subscribe.").shows(NAME);
    portal.run(&["update products set terms = 'Be very kind.' where name =", ""], vec!["orders".into()]).await;
    let form = [("display_name", NAME), ("terms", "on"), ("shown_terms", mark.as_str())];
    dev.post("/products/orders/subscribe", &form).await.is(422).shows("The terms of use were changed").shows("Be very kind.");
    portal.run(&["update products set terms = 'Be **kind**.' where name =", ""], vec!["orders".into()]).await;
    let made = dev.post("/products/orders/subscribe", &form).await;
    made.is(303);
    portal.run(&["update products set terms = 'Be rude.' where name =", ""], vec!["orders".into()]).await;
    dev.get(made.location()).await.shows("Be <strong>kind</strong>.").shows("Terms accepted").hides("rude");
    assert_eq!(
        portal.count("select count(*) from subscriptions where terms_accepted = 'Be **kind**.' and terms_accepted_at is not null").await,
        1
    );
}

#[tokio::test]
async fn a_name_is_needed_and_what_was_typed_is_kept() {
    let (_portal, dev) = with_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    subscribe(&dev, "orders", " ").await.is(422).shows("The name is missing.").shows("aria-invalid");
    let long = "x".repeat(101);
    subscribe(&dev, "orders", &long).await.is(422).shows("The name may have 100 characters; this has 101.").shows(&long);
    subscribe(&dev, "orders", &"x".repeat(100)).await.is(303);
}

#[tokio::test]
async fn what_is_open_to_guests_alone_is_read_by_all_and_subscribed_to_by_administrators() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["guests"], ..Product::default() }).await;
    portal.guest().get("/products/orders").await.is(200).shows("Sign in to subscribe");
    portal.guest().post("/products/orders/subscribe", &[("display_name", NAME)]).await.is(303);
    dev.get("/products/orders").await.is(200).shows("This product is open to guests for reading.").hides("name=\"display_name\"");
    subscribe(&dev, "orders", NAME).await.is(403).shows("This product is open to guests for reading.");
    let admin = portal.administrator().await;
    subscribe(&admin, "orders", NAME).await.is(303);
    assert_eq!(portal.count("select count(*) from subscriptions").await, 1);
}

#[tokio::test]
async fn a_product_without_subscriptions_takes_none() {
    let (_portal, dev) =
        with_product(Product { name: "orders", groups: &["developers"], subscription_required: false, ..Product::default() }).await;
    dev.get("/products/orders").await.shows("This product requires no subscription").hides("name=\"display_name\"");
    subscribe(&dev, "orders", NAME).await.is(409).shows("requires no subscription");
}

#[tokio::test]
async fn it_is_cancelled_for_good_after_a_question() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let path = subscribe(&dev, "orders", NAME).await.location().to_owned();
    dev.get(&format!("{path}/cancel")).await.is(200).shows("Cancel the subscription Production line?").shows("Both keys").shows("Keep it");
    let done = dev.post_and_follow(&format!("{path}/cancel"), &[]).await;
    done.shows("Cancelled the subscription Production line to Product orders.").shows("Cancelled</span>");
    dev.post_and_follow(&format!("{path}/cancel"), &[]).await.shows("It was cancelled already, so nothing was changed.");
    dev.get(&path).await.shows("The keys no longer work.").hides("Show keys").hides("Cancel subscription");
    dev.get(&format!("{path}/cancel")).await.is(303);
    dev.post(&format!("{path}/keys"), &[]).await.is(409);
    portal.run(&["update subscriptions set state = 'rejected' where state =", ""], vec!["cancelled".into()]).await;
    dev.post(&format!("{path}/cancel"), &[]).await.is(409).shows("This subscription is declined and stays so.");
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "subscription.cancelled").count(), 1);
    // Cancelled is final, and the name is free again.
    subscribe(&dev, "orders", NAME).await.is(303);
    assert_eq!(portal.count("select count(*) from subscriptions").await, 2);
}

#[tokio::test]
async fn somebody_elses_does_not_exist() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let path = subscribe(&dev, "orders", NAME).await.location().to_owned();
    let (other, admin) = (portal.developer("other@portal.example").await, portal.administrator().await);
    for browser in [&other, &admin] {
        browser.get(&path).await.is(404).hides(NAME);
        browser.get(&format!("{path}/cancel")).await.is(404);
        browser.post(&format!("{path}/cancel"), &[]).await.is(404);
        browser.post(&format!("{path}/keys"), &[]).await.is(404);
        browser.get("/account/subscriptions").await.is(200).hides(NAME).shows("You have no subscription yet.");
    }
    portal.guest().get(&path).await.is(303);
    assert_eq!(portal.count("select count(*) from subscriptions where state = 'active'").await, 1);
}

#[tokio::test]
async fn taken_out_of_the_group_the_product_is_gone_and_the_subscription_lives_and_is_marked() {
    let portal = Portal::start().await;
    portal.add_group("Alpha").await;
    portal.seed_product(Product { name: "orders", groups: &["alpha"], ..Product::default() }).await;
    let dev = portal.developer("dev@portal.example").await;
    portal.seed_membership("dev@portal.example", "alpha", START, None).await;
    let path = subscribe(&dev, "orders", NAME).await.location().to_owned();
    let admin = portal.administrator().await;
    dev.get("/account/subscriptions").await.shows("href=\"/products/orders\"").hides("Hidden from you");
    admin.get("/publisher/subscriptions").await.hides("Hidden from owner</span>");

    portal.end_membership("dev@portal.example", "alpha").await;
    dev.get("/products/orders").await.is(404);
    dev.get("/products").await.hides("Product orders");
    let list = dev.get("/account/subscriptions").await;
    list.shows("Product orders").shows("Hidden from you").hides("href=\"/products/orders\"").shows("Active");
    dev.get(&path).await.shows("You no longer see this product. The subscription keeps working");
    admin.get("/publisher/subscriptions").await.shows("Hidden from owner</span>");
    assert_eq!(keys_on(&dev.post(&format!("{path}/keys"), &[]).await.text).len(), 2);
    // Another of the same product cannot be had.
    subscribe(&dev, "orders", "Second").await.is(404);
}

#[tokio::test]
async fn administrators_find_them_by_product_owner_and_state() {
    let portal = Portal::start().await;
    portal.seed_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    portal.seed_product(Product { name: "payments", groups: &["developers"], approval_required: true, ..Product::default() }).await;
    let (one, two) = (portal.developer("one@contoso.example").await, portal.developer("two@fabrikam.example").await);
    subscribe(&one, "orders", "First").await.is(303);
    subscribe(&one, "payments", "Second").await.is(303);
    subscribe(&two, "orders", "Third").await.is(303);
    let admin = portal.administrator().await;
    let list = |query: &'static str| {
        let admin = admin.clone();
        async move { admin.get(&format!("/publisher/subscriptions{query}")).await }
    };
    list("").await.is(200).shows("class=\"count\">3</span>").shows("First").shows("Second").shows("Third");
    list("?q=PAYMENTS").await.shows("class=\"count\">1</span>").shows("Second");
    list("?q=contoso").await.shows("class=\"count\">2</span>").hides("Third");
    list("?q=tw").await.shows("class=\"count\">1</span>").shows("Third");
    list("?q=contoso&state=active").await.shows("class=\"count\">1</span>").shows("First").shows("value=\"active\" selected");
    list("?q=nobody").await.shows("No subscription matches.");
    list("?q=second").await.shows("class=\"count\">1</span>").shows("Second").hides("Third");
    list("?product=Product%20ORDERS").await.shows("class=\"count\">2</span>").hides("Second");
    list("?product=orders&q=fabrikam").await.shows("class=\"count\">1</span>").shows("Third");
    list("?product=none&group=nobody").await.shows("There is no product “none”.").shows("There is no group “nobody”.").hides("First");
    list("?group=administrators").await.shows("No subscription matches.");
    list("?group=developers&state=submitted").await.shows("class=\"count\">1</span>").shows("Second");
    portal.add_group("Partners").await;
    portal.seed_membership("two@fabrikam.example", "partners", crate::support::START, None).await;
    list("?group=partners&product=orders").await.shows("class=\"count\">1</span>").shows("Third").shows("value=\"partners\"");
    list("?state=unseen").await.shows("No subscription matches.");
    portal.close_product("payments", "developers").await;
    list("?state=unseen").await.shows("class=\"count\">1</span>").shows("Second").shows("Hidden from owner</span>");
    list("?state=ending").await.shows("No subscription matches.");
    let ends = portico::db::Instant::new(crate::support::START + time::Duration::days(29));
    portal.run(&["update subscriptions set expires_at =", "where display_name = 'First'"], vec![ends.into()]).await;
    list("?state=ending").await.shows("class=\"count\">1</span>").shows("First").shows("31 Mar 2026");
    for sort in ["created", "ends", "-ends", "product", "-product", "owner", "-owner", "state", "-state", "nonsense"] {
        admin.get(&format!("/publisher/subscriptions?sort={sort}&q=c&state=active&size=25&page=1")).await.is(200);
    }
    let sorted = list("?sort=-product").await;
    assert!(sorted.text.rfind("Product payments").unwrap() < sorted.text.rfind("Product orders").unwrap());
}

#[tokio::test]
async fn the_log_and_the_owners_page_say_whose_and_to_which_product() {
    let portal = Portal::start().await;
    portal.add_group("Partners").await;
    portal.seed_product(Product { name: "orders", groups: &["partners"], ..Product::default() }).await;
    let root = portal.administrator().await;
    let (email, long_ago) = ("ana@contoso.example", crate::support::START - time::Duration::days(9));
    let name = portal.add_user(email, "Ana", "Alves", portico::users::UserState::Active, false).await;
    portal.seed_membership(email, "partners", long_ago, None).await;
    let ana = portal.signed_in(email).await;
    subscribe(&ana, "orders", NAME).await.is(303);
    let page = root.get("/publisher/audit?action=subscription.created").await;
    page.shows("Added subscription").shows(" to Product orders").hides(" of Ana Alves");
    let entry = page.text.split("/publisher/audit/").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let entry = root.get(&format!("/publisher/audit/{entry}")).await;
    entry.shows("<dt>Owner</dt>").shows("Ana Alves").shows("<dt>Product</dt>").shows("Product orders").hides("product_display_name");
    entry.shows("<dd dir=\"auto\"><bdi>Active</bdi>").hides("subscription.created");
    let path = format!("/publisher/users/{name}");
    root.get(&path).await.shows("Product orders").hides("Hidden from owner");
    portal.end_membership(email, "partners").await;
    root.get(&path).await.shows("Hidden from owner");
    root.get(&format!("{path}/block")).await.shows("1 active subscription: its keys are refused while the account is blocked");
    root.post_and_follow(&format!("{path}/block"), &[]).await.shows("Blocked</span>").shows("Product orders").hides("Hidden from owner");
}

fn with_approval() -> Product<'static> {
    Product { name: "orders", groups: &["developers"], approval_required: true, ..Product::default() }
}

/// A request that waits, and its name in addresses.
async fn requested(browser: &Browser, name: &str) -> String {
    let made = subscribe(browser, "orders", name).await;
    made.is(303);
    made.location().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_request_is_approved_with_a_comment_and_everybody_hears_of_it() {
    let (portal, smtp) = Portal::start_with_mail().await;
    portal.seed_product(with_approval()).await;
    let admin = portal.administrator().await;
    let dev = portal.developer("dev@portal.example").await;
    let name = requested(&dev, NAME).await;
    portal.send_mails().await;
    assert_eq!(smtp.newest("dev@portal.example").header("Subject").unwrap(), "Your request for Product orders");
    let notice = smtp.newest("root@portal.example");
    assert_eq!(notice.header("Subject").unwrap(), "Dev Eloper asks for Product orders");
    let page = format!("/publisher/subscriptions/{name}");
    assert!(notice.text().contains(&page), "{}", notice.text());

    admin.get(&page).await.is(200).shows(NAME).shows("Dev Eloper").shows("Approve").shows("Decline").hides("Suspend");
    let decided = admin.post_and_follow(&format!("{page}/decide"), &[("decision", "approve"), ("comment", "Welcome")]).await;
    decided.shows("Approved").shows("Suspend").shows("Welcome");
    portal.send_mails().await;
    let mail = smtp.newest("dev@portal.example");
    assert_eq!(mail.header("Subject").unwrap(), "Your subscription to Product orders is active");
    assert!(mail.text().contains("Welcome"), "{}", mail.text());
    dev.get(&format!("/account/subscriptions/{name}")).await.shows("Active").shows("Show keys").shows("Welcome");
    // Somebody else had the page open.
    let second = portal.administrator_named("second@portal.example", "Second", "Admin").await;
    let late = second.post_and_follow(&format!("{page}/decide"), &[("decision", "decline"), ("comment", "No")]).await;
    late.shows("is active, so it was left as it is").shows("Welcome");
    assert_eq!(portal.audited().await.iter().filter(|action| action.starts_with("subscription.")).count(), 2);
}

#[tokio::test]
async fn a_subscription_goes_through_its_states_and_no_others() {
    let portal = Portal::start().await;
    portal.seed_product(with_approval()).await;
    let admin = portal.administrator().await;
    let dev = portal.developer("dev@portal.example").await;
    let name = requested(&dev, NAME).await;
    let page = format!("/publisher/subscriptions/{name}");
    admin.get(&format!("{page}/cancel")).await.is(303);
    let decide = async |decision: &str| admin.post_and_follow(&format!("{page}/decide"), &[("decision", decision)]).await;
    decide("suspend").await.shows("is submitted, so it was left");
    let long = "x".repeat(1001);
    admin
        .post(&format!("{page}/decide"), &[("decision", "approve"), ("comment", long.as_str())])
        .await
        .is(422)
        .shows("may have 1000 characters");
    decide("approve").await.shows("Approved");
    decide("activate").await.shows("is active, so it was left");
    decide("suspend").await.shows("Suspended");
    dev.get(&format!("/account/subscriptions/{name}")).await.shows("The keys do not work while the subscription is suspended");
    decide("activate").await.shows("Activated");
    // What cannot be undone is on a page that asks.
    admin.get(&page).await.shows("Cancel subscription…").hides("value=\"cancel\"");
    let asked = admin.get(&format!("{page}/cancel")).await;
    asked.is(200).shows("Cancel the subscription Production line?").shows("Dev Eloper holds it, for Product orders.").shows("Both keys");
    asked.shows("name=\"asked\"");
    // Nor does a bare request go around the question.
    let bare = admin.post(&format!("{page}/decide"), &[("decision", "cancel"), ("comment", "Farewell")]).await;
    bare.is(200).shows("Cancel the subscription Production line?").shows("Farewell");
    assert_eq!(portal.count("select count(*) from subscriptions where state = 'active'").await, 1);
    let told = [("decision", "cancel"), ("asked", "on"), ("comment", long.as_str())];
    admin.post(&format!("{page}/decide"), &told).await.is(422).shows("may have 1000 characters").shows("Keep it").shows(&long);
    let done = admin.post_and_follow(&format!("{page}/decide"), &[("decision", "cancel"), ("asked", "on")]).await;
    done.shows("Cancelled").shows("stays so").hides("Cancel subscription…");
    for decision in ["approve", "decline", "suspend", "activate", "cancel"] {
        decide(decision).await.shows("is cancelled, so it was left");
    }
    admin.post(&format!("{page}/decide"), &[("decision", "delete")]).await.is(400);
    admin.get("/publisher/subscriptions/none").await.is(404);
}

#[tokio::test]
async fn many_requests_are_decided_at_once_in_one_entry_of_the_log() {
    let portal = Portal::start().await;
    portal.seed_product(with_approval()).await;
    let admin = portal.administrator().await;
    let dev = portal.developer("dev@portal.example").await;
    let mut form = vec![("decision", "approve"), ("back", "/publisher/subscriptions?state=submitted")];
    let names = [requested(&dev, "One").await, requested(&dev, "Two").await, requested(&dev, "Three").await];
    dev.post(&format!("/account/subscriptions/{}/cancel", names[2]), &[]).await.is(303);
    form.extend(names.iter().map(|name| ("subscription", name.as_str())));
    let reply = admin.post_and_follow("/publisher/decide/subscriptions", &form).await;
    reply.shows("Approved 2 subscriptions.").shows("is cancelled, so it was left");
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "subscription.approved").count(), 1);
    assert_eq!(portal.count("select count(*) from subscriptions where state = 'active'").await, 2);
    assert_eq!(portal.count("select count(*) from mails where kind = 'subscription-activated'").await, 2);
    admin.post_and_follow("/publisher/decide/subscriptions", &[("decision", "approve")]).await.shows("Nothing is ticked");
    // What was ticked stays so, and what is in no state for it is said to be.
    form[0].1 = "activate";
    form[1].1 = "/publisher/subscriptions";
    let again = admin.post_and_follow("/publisher/decide/subscriptions", &form).await;
    again.shows("3 subscriptions were not suspended, and were left as they are.");
    assert_eq!(again.text.matches("name=\"subscription\" value=\"").count(), 3);
    assert_eq!(again.text.matches(" checked></td>").count(), 3, "{}", again.text);
    let list = admin.get("/publisher/subscriptions").await;
    list.hides(" checked></td>");
}

#[tokio::test]
async fn a_key_is_regenerated_on_its_own_after_a_question_and_once_a_click() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let name = requested(&dev, NAME).await;
    let page = format!("/account/subscriptions/{name}");
    let before = dev.post(&format!("{page}/keys"), &[]).await.text;
    let before = keys_on(&before);
    let form = [("version", "1"), ("key", "primary")];
    // It is asked first, and changes nothing yet.
    dev.get(&page).await.shows("Regenerate primary key…").hides("name=\"key\"");
    let asked = dev.get(&format!("{page}/regenerate/primary")).await;
    asked.is(200).shows("Regenerate the primary key?").shows("The primary key: it stops").shows("The secondary key: it goes on");
    asked.shows("name=\"version\" value=\"1\"").shows("name=\"key\" value=\"primary\"");
    assert!(keys_on(&asked.text).is_empty());
    dev.get(&format!("{page}/regenerate/third")).await.is(404);
    // The new key is on the answer, which no cache keeps.
    let done = dev.post(&format!("{page}/regenerate"), &form).await;
    done.is(200).shows("Regenerated the primary key.").shows("Hide keys");
    assert_eq!(done.header("cache-control"), "no-store");
    let after = keys_on(&done.text);
    assert_eq!(after, keys_on(&dev.post(&format!("{page}/keys"), &[]).await.text));
    dev.post_and_follow(&format!("{page}/regenerate"), &form).await.shows("no key was regenerated");
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1], before[1]);
    assert_eq!(portal.count("select count(*) from mails where kind = 'key-regenerated'").await, 1);
    dev.post(&format!("{page}/regenerate"), &[("version", "2"), ("key", "third")]).await.is(400);
    let other = portal.developer("other@portal.example").await;
    other.post(&format!("{page}/regenerate"), &[("version", "2"), ("key", "primary")]).await.is(404);
    other.get(&format!("{page}/regenerate/primary")).await.is(404);
    // Suspended it gets a key too, which is shown when it is active again; ended it gets none.
    let admin = portal.administrator().await;
    let decide = format!("/publisher/subscriptions/{name}/decide");
    admin.post(&decide, &[("decision", "suspend")]).await.is(303);
    let done = dev.post_and_follow(&format!("{page}/regenerate"), &[("version", "3"), ("key", "secondary")]).await;
    done.shows("Regenerated the secondary key.").hides("Hide keys");
    assert!(keys_on(&done.text).is_empty());
    admin.post(&decide, &[("decision", "cancel"), ("asked", "on")]).await.is(303);
    dev.get(&format!("{page}/regenerate/primary")).await.is(303);
}

#[tokio::test]
async fn many_are_cancelled_after_a_question_in_one_entry_of_the_log() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    portal.seed_product(Product { name: "billing", groups: &["developers"], ..Product::default() }).await;
    let admin = portal.administrator().await;
    let names = [requested(&dev, "One").await, requested(&dev, "Two").await, requested(&dev, "Three").await];
    subscribe(&dev, "billing", "Four").await.is(303);
    dev.post(&format!("/account/subscriptions/{}/cancel", names[2]), &[]).await.is(303);
    let list = admin.get("/publisher/subscriptions?q=Four").await;
    list.shows("value=\"cancel\">Cancel…");
    let four = list.text.split("name=\"subscription\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let mut form = vec![("decision", "cancel"), ("comment", "Farewell"), ("back", "/publisher/subscriptions?q=x")];
    form.extend(names.iter().map(String::as_str).chain([four.as_str()]).map(|name| ("subscription", name)));
    let asked = admin.post("/publisher/decide/subscriptions", &form).await;
    asked.is(200).shows("Cancel 3 subscriptions?").shows("Product billing (1), Product orders (2)").shows("1 other of the ticked");
    asked.shows("Keep them").shows("href=\"/publisher/subscriptions?q=x\"").shows("Farewell");
    assert_eq!(asked.text.matches("name=\"subscription\"").count(), 3);
    assert_eq!(portal.count("select count(*) from subscriptions where state = 'active'").await, 3);
    let long = "x".repeat(1001);
    let told = [("decision", "cancel"), ("asked", "on"), ("comment", long.as_str()), ("subscription", names[0].as_str())];
    admin.post("/publisher/decide/subscriptions", &told).await.is(422).shows("may have 1000 characters").shows(&long);
    form.push(("asked", "on"));
    let done = admin.post("/publisher/decide/subscriptions", &form).await;
    assert_eq!((done.status, done.location()), (303, "/publisher/subscriptions?q=x"));
    admin.get(done.location()).await.shows("Cancelled 3 subscriptions.").hides("/publisher/undo/");
    assert_eq!(portal.count("select count(*) from audit where action = 'subscription.cancelled' and actor_name = 'Root Admin'").await, 1);
    assert_eq!(portal.count("select count(*) from mails where kind = 'subscription-cancelled'").await, 4);
    form.pop();
    admin.post_and_follow("/publisher/decide/subscriptions", &form).await.shows("were neither active nor suspended");
}

#[tokio::test]
async fn suspending_many_is_taken_back_for_those_that_nothing_changed_since() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let admin = portal.administrator().await;
    let names = [requested(&dev, "One").await, requested(&dev, "Two").await, requested(&dev, "Three").await, requested(&dev, "Four").await];
    let suspend = async |names: &[String]| {
        let mut form = vec![("decision", "suspend")];
        form.extend(names.iter().map(|name| ("subscription", name.as_str())));
        let page = admin.post_and_follow("/publisher/decide/subscriptions", &form).await;
        page.text.split("action=\"/publisher/undo/").nth(1).and_then(|rest| rest.split('"').next()).expect("an undo").to_owned()
    };
    // The fourth was suspended before, which is nobody's to take back here.
    suspend(&names[3..]).await;
    let entry = suspend(&names).await;
    let undo = format!("/publisher/undo/{entry}");
    dev.post(&format!("/account/subscriptions/{}/rename", names[1]), &[("version", "2"), ("display_name", "Deux")]).await.is(303);
    admin.post(&format!("/publisher/subscriptions/{}/decide", names[2]), &[("decision", "activate")]).await.is(303);
    admin.post(&format!("/publisher/subscriptions/{}/decide", names[2]), &[("decision", "suspend")]).await.is(303);
    let undone = admin.post_and_follow(&undo, &[]).await;
    undone.shows("Undone: 1 subscription is active again").shows("2 were changed since");
    assert_eq!(portal.count("select count(*) from subscriptions where state = 'active'").await, 1);
    dev.get(&format!("/account/subscriptions/{}", names[0])).await.shows("Show keys");
    assert_eq!(portal.count("select count(*) from mails where kind = 'subscription-activated'").await, 6);
    admin.post(&undo, &[]).await.is(409);
    // One that was ticked alone.
    let entry = suspend(&names[..1]).await;
    admin.post_and_follow(&format!("/publisher/undo/{entry}"), &[]).await.shows("Undone: 1 subscription is active again");
    admin.get(&format!("/publisher/audit/{entry}")).await.is(200).shows("Suspended").hides("ersions");
    portal.developer("else@portal.example").await.post(&undo, &[]).await.is(403);
}

#[tokio::test]
async fn an_administrator_sees_keys_with_the_password_and_regenerates_one_after_a_question() {
    let (portal, smtp) = Portal::start_with_mail().await;
    portal.seed_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let (admin, dev) = (portal.administrator().await, portal.developer("dev@portal.example").await);
    let name = requested(&dev, NAME).await;
    let (own, page) = (format!("/account/subscriptions/{name}"), format!("/publisher/subscriptions/{name}"));
    let before = dev.post(&format!("{own}/keys"), &[]).await.text;
    admin.get(&page).await.shows("Show keys").shows("name=\"password\"");
    let keys = format!("{page}/keys");
    let none = admin.post(&keys, &[]).await;
    none.is(422).shows("Type your own password.");
    let wrong = admin.post(&keys, &[("password", "not the password at all")]).await;
    wrong.is(422);
    assert!(keys_on(&none.text).is_empty() && keys_on(&wrong.text).is_empty());
    let shown = admin.post(&keys, &[("password", PASSWORD)]).await;
    shown.is(200).shows("Hide keys");
    assert_eq!((keys_on(&shown.text), shown.header("cache-control")), (keys_on(&before), "no-store"));
    // It counts for ten minutes.
    admin.get(&page).await.hides("name=\"password\"");
    admin.post(&keys, &[]).await.is(200);
    portal.pass(time::Duration::minutes(10));
    admin.post(&keys, &[]).await.is(422);
    let by_root = "select count(*) from audit where action = 'subscription.keys_shown' and subject_name = 'Production line' and actor_name = 'Root Admin'";
    assert_eq!(portal.count(by_root).await, 2);
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "subscription.keys_shown").count(), 3);

    let asked = admin.get(&format!("{page}/regenerate/secondary")).await;
    asked.is(200).shows("Regenerate the secondary key?").shows("Dev Eloper holds").shows("name=\"version\" value=\"1\"");
    admin.get(&format!("{page}/regenerate/third")).await.is(404);
    let form = [("version", "1"), ("key", "secondary")];
    let done = admin.post_and_follow(&format!("{page}/regenerate"), &form).await;
    done.shows("Regenerated the secondary key.");
    assert!(keys_on(&done.text).is_empty());
    admin.post_and_follow(&format!("{page}/regenerate"), &form).await.shows("no key was regenerated");
    let after = dev.post(&format!("{own}/keys"), &[]).await.text;
    assert_eq!(keys_on(&after)[0], keys_on(&before)[0]);
    assert_ne!(keys_on(&after)[1], keys_on(&before)[1]);
    portal.send_mails().await;
    let mail = smtp.newest("dev@portal.example");
    assert!(mail.text().contains("The secondary key of your subscription") && mail.text().contains(&own), "{}", mail.text());
    assert!(!mail.text().contains(keys_on(&after)[1]));
    admin.post(&format!("{page}/decide"), &[("decision", "suspend")]).await.is(303);
    admin.post(&keys, &[("password", PASSWORD)]).await.is(409);
    admin.get(&page).await.shows("they are shown when it is active again");
    admin.post(&format!("{page}/decide"), &[("decision", "cancel"), ("asked", "on")]).await.is(303);
    admin.get(&format!("{page}/regenerate/primary")).await.is(303);
    dev.post(&keys, &[("password", PASSWORD)]).await.is(403);
}

#[tokio::test]
async fn whoever_holds_a_suspended_one_is_told_and_told_again_when_it_is_active() {
    let (portal, smtp) = Portal::start_with_mail().await;
    portal.seed_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let (admin, dev) = (portal.administrator().await, portal.developer("dev@portal.example").await);
    let names = [requested(&dev, "One").await, requested(&dev, "Two").await];
    let form = [("decision", "suspend"), ("comment", "A spike"), ("subscription", names[0].as_str()), ("subscription", names[1].as_str())];
    admin.post_and_follow("/publisher/decide/subscriptions", &form).await.shows("Suspended 2 subscriptions.");
    portal.send_mails().await;
    assert_eq!(portal.count("select count(*) from mails where kind = 'subscription-suspended'").await, 2);
    let mail = smtp.newest("dev@portal.example");
    assert_eq!(mail.header("Subject").unwrap(), "Your subscription to Product orders is suspended");
    assert!(mail.text().contains("A spike") && mail.text().contains("do not work until"), "{}", mail.text());
    admin.post(&format!("/publisher/subscriptions/{}/decide", names[0]), &[("decision", "activate")]).await.is(303);
    portal.send_mails().await;
    assert_eq!(smtp.newest("dev@portal.example").header("Subject").unwrap(), "Your subscription to Product orders is active");
}

#[tokio::test]
async fn a_blocked_owner_is_not_said_to_have_lost_sight() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let name = requested(&dev, NAME).await;
    let admin = portal.administrator().await;
    portal.run(&["update users set state = 'blocked' where email =", ""], vec!["dev@portal.example".into()]).await;
    admin.get("/publisher/subscriptions").await.shows("Blocked</span>").hides("Hidden from owner</span>");
    admin.get("/publisher/subscriptions?state=unseen").await.shows("No subscription matches.");
    admin.get("/publisher/products/orders/subscribers").await.shows("Blocked</span>").hides("Hidden from owner</span>");
    admin.get(&format!("/publisher/subscriptions/{name}")).await.shows("Blocked</span>").hides("The owner no longer sees");
}

#[tokio::test]
async fn the_own_list_leads_to_the_keys_and_says_the_last_day() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let name = requested(&dev, NAME).await;
    let ends = portico::db::Instant::new(time::macros::datetime!(2026-12-06 00:00 UTC));
    portal.run(&["update subscriptions set expires_at =", ""], vec![ends.into()]).await;
    let list = dev.get("/account/subscriptions").await;
    list.shows(&format!("href=\"/account/subscriptions/{name}#keys\"")).shows("5 Dec 2026").hides("6 Dec 2026").shows(">Cancel…</a>");
    dev.get(&format!("/account/subscriptions/{name}")).await.shows("id=\"keys\"").shows("<dt>Last day</dt>").shows("5 Dec 2026");
    let admin = portal.administrator().await;
    for path in
        [format!("/publisher/subscriptions/{name}"), "/publisher/subscriptions".into(), "/publisher/products/orders/subscribers".into()]
    {
        admin.get(&path).await.shows("5 Dec 2026").hides("6 Dec 2026");
    }
}

#[tokio::test]
async fn an_owner_gives_a_subscription_another_name() {
    let (portal, dev) = with_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let name = requested(&dev, NAME).await;
    let page = format!("/account/subscriptions/{name}");
    dev.post(&format!("{page}/rename"), &[("version", "1"), ("display_name", " ")]).await.is(422).shows("The name is missing.");
    dev.post_and_follow(&format!("{page}/rename"), &[("version", "1"), ("display_name", "Warehouse")])
        .await
        .shows("Saved.")
        .shows("Warehouse");
    dev.post(&format!("{page}/rename"), &[("version", "1"), ("display_name", "Shop")])
        .await
        .is(409)
        .shows("changed meanwhile")
        .shows("Shop");
    assert!(portal.audited().await.contains(&"subscription.renamed".to_owned()));
    let other = portal.developer("other@portal.example").await;
    other.post(&format!("{page}/rename"), &[("version", "2"), ("display_name", "Mine")]).await.is(404);
}

#[tokio::test]
async fn the_menu_says_how_many_wait_to_administrators_alone() {
    let portal = Portal::start().await;
    portal.seed_product(with_approval()).await;
    let (admin, dev) = (portal.administrator().await, portal.developer("dev@portal.example").await);
    let waiting = "waiting for approval";
    admin.get("/publisher/users").await.hides(waiting);
    let names = [requested(&dev, "One").await, requested(&dev, "Two").await];
    admin
        .get("/publisher/users")
        .await
        .shows("href=\"/publisher/subscriptions?state=submitted\"")
        .shows("2<span class=\"hide\"> waiting for approval");
    dev.get("/account/subscriptions").await.hides(waiting);
    for name in names {
        admin.post(&format!("/publisher/subscriptions/{name}/decide"), &[("decision", "approve")]).await.is(303);
    }
    admin.get("/publisher/users").await.hides(waiting).hides("?state=submitted");
}

#[tokio::test]
async fn subscribers_of_a_product_are_decided_on_where_they_are_listed() {
    let portal = Portal::start().await;
    portal.seed_product(with_approval()).await;
    let (admin, dev) = (portal.administrator().await, portal.developer("dev@portal.example").await);
    let name = requested(&dev, NAME).await;
    let list = "/publisher/products/orders/subscribers?state=submitted";
    let page = admin.get(list).await;
    page.shows(NAME).shows(&format!("href=\"/publisher/subscriptions/{name}\"")).shows("value=\"submitted\" selected");
    let form = [("decision", "approve"), ("back", list), ("subscription", name.as_str())];
    let done = admin.post_and_follow("/publisher/decide/subscriptions", &form).await;
    done.shows("Approved the subscription Production line to Product orders.").shows("No subscriber matches.");
    admin.get("/publisher/products/orders/subscribers?q=eloper&state=active").await.shows(NAME);
    admin.get("/publisher/products/orders/subscribers?q=nobody").await.shows("No subscriber matches.");
}
