//! Products, APIs and memberships put straight into the database, for tests of what is made of them.

use portico::{
    db::{Instant, Select, Value},
    ids,
};

use super::{Portal, START};

/// A product to seed; what is not said is as a new product has it, but published.
pub struct Product<'a> {
    pub name: &'a str,
    pub groups: &'a [&'a str],
    pub published: bool,
    pub subscription_required: bool,
    pub approval_required: bool,
    pub limit: Option<i64>,
    pub terms: &'a str,
    pub description: &'a str,
}

impl Default for Product<'_> {
    fn default() -> Self {
        Self {
            name: "product",
            groups: &[],
            published: true,
            subscription_required: true,
            approval_required: false,
            limit: None,
            terms: "",
            description: "",
        }
    }
}

impl Portal {
    /// Runs a statement; a value stands for each `?`.
    pub async fn run(&self, statement: &[&'static str], values: Vec<Value>) {
        let mut tx = self.db().write().await.expect("a transaction");
        let mut values = values.into_iter();
        let mut select = Select::new(&tx, "");
        for (index, part) in statement.iter().enumerate() {
            if index > 0 {
                select.bind(values.next().expect("a value for each gap"));
            }
            select.sql(part);
        }
        select.execute(&mut tx).await.expect("the statement runs");
        tx.commit().await.expect("committed");
    }

    /// A product, associated with Administrators and the named groups. Its display name is the name, with "Product " before it.
    pub async fn seed_product(&self, product: Product<'_>) {
        let display = format!("Product {}", product.name);
        let search = format!("{}\n{}", ids::fold(&display), ids::fold(product.description));
        self.run(
            &[
                "insert into products (name, name_folded, display_name, display_name_folded, description, search_folded, terms,
                    subscription_required, approval_required, published, created_at, subscriptions_limit) values (",
                ",",
                ",",
                ",",
                ",",
                ",",
                ",",
                ",",
                ",",
                ",",
                ",",
                if product.limit.is_some() { "," } else { ", null)" },
                ")",
            ][..if product.limit.is_some() { 13 } else { 12 }],
            [
                product.name.into(),
                ids::fold(product.name).into(),
                display.clone().into(),
                ids::fold(&display).into(),
                product.description.into(),
                search.into(),
                product.terms.into(),
                product.subscription_required.into(),
                product.approval_required.into(),
                product.published.into(),
                Instant::new(START).into(),
            ]
            .into_iter()
            .chain(product.limit.map(Value::from))
            .collect(),
        )
        .await;
        for group in product.groups.iter().chain(&["administrators"]) {
            self.open_product(product.name, group).await;
        }
    }

    /// Associates a product with a group.
    pub async fn open_product(&self, product: &str, group: &str) {
        self.run(
            &[
                "insert into product_groups (product_id, group_id) select p.id, g.id from products p, groups g where p.name =",
                "and g.name =",
                "",
            ],
            vec![product.into(), group.into()],
        )
        .await;
    }

    pub async fn close_product(&self, product: &str, group: &str) {
        self.run(
            &[
                "delete from product_groups where product_id = (select id from products where name =",
                ") and group_id = (select id from groups where name =",
                ")",
            ],
            vec![product.into(), group.into()],
        )
        .await;
    }

    /// An API in the named products, with one operation `list-things`. Its display name is the name, with "API " before it.
    pub async fn seed_api(&self, name: &str, products: &[&str]) {
        let display = format!("API {name}");
        self.run(
            &[
                "insert into apis (name, name_folded, display_name, display_name_folded, description, search_folded, suffix, suffix_folded,
                    api_version, servers, tags, created_at, updated_at) values (",
                ",",
                ",",
                ",",
                ",",
                ",",
                ",",
                ",",
                ", '2.4', '[{\"url\": \"https://api.portal.example/v2\", \"description\": null}]', '[{\"name\": \"Things\", \"description\": \"All *things*\"}]',",
                ",",
                ")",
            ],
            vec![
                name.into(),
                ids::fold(name).into(),
                display.clone().into(),
                ids::fold(&display).into(),
                "What it is for".into(),
                format!("{}\nwhat it is for\nthings", ids::fold(&display)).into(),
                name.into(),
                ids::fold(name).into(),
                Instant::new(START).into(),
                Instant::new(START).into(),
            ],
        )
        .await;
        for product in products {
            self.run(
                &[
                    "insert into product_apis (product_id, api_id) select p.id, a.id from products p, apis a where p.name =",
                    "and a.name =",
                    "",
                ],
                vec![(*product).into(), name.into()],
            )
            .await;
        }
        self.seed_operation(name, "list-things", "GET", "/things", "List things", "[\"Things\"]", "{}").await;
    }

    /// An operation at the end of an API.
    #[expect(clippy::too_many_arguments, reason = "the columns of a row")]
    pub async fn seed_operation(&self, api: &str, name: &str, method: &str, path: &str, display: &str, tags: &str, detail: &str) {
        self.run(
            &[
                "insert into operations (api_id, position, name, name_folded, method, url_template, display_name, tags, detail)
                 select a.id, (select count(*) from operations o where o.api_id = a.id),",
                ",",
                ",",
                ",",
                ",",
                ",",
                ",",
                "from apis a where a.name =",
                "",
            ],
            vec![name.into(), ids::fold(name).into(), method.into(), path.into(), display.into(), tags.into(), detail.into(), api.into()],
        )
        .await;
    }

    /// A membership by hand, from an instant, and until another or for ever.
    pub async fn seed_membership(&self, email: &str, group: &str, from: time::OffsetDateTime, until: Option<time::OffsetDateTime>) {
        let head = [
            "insert into memberships (user_id, group_id, source, from_at, until_at) select u.id, g.id, 'hand',",
            ",",
            "from users u, groups g where u.email =",
            "and g.name =",
            "",
        ];
        match until {
            Some(until) => {
                let values = vec![Instant::new(from).into(), Instant::new(until).into(), email.into(), group.into()];
                self.run(&head, values).await;
            }
            None => {
                let head = [head[0], ", null from users u, groups g where u.email =", head[3], head[4]];
                self.run(&head, vec![Instant::new(from).into(), email.into(), group.into()]).await;
            }
        }
    }

    pub async fn end_membership(&self, email: &str, group: &str) {
        self.run(
            &[
                "delete from memberships where user_id = (select id from users where email =",
                ") and group_id = (select id from groups where name =",
                ")",
            ],
            vec![email.into(), group.into()],
        )
        .await;
    }
}
