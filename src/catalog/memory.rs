//! The catalogue in memory: what administrators publish, and nothing of who looks. Lists are answered from it, by the same rule as in
//! `store`. A signed-in reader's query brings the version that they must be shown; guests may be shown one half a second old.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock, RwLock},
};

use tokio::sync::Mutex;

use super::{Held, Wanted, store};
use crate::{
    auth::Standing,
    db::{Database, Instant},
    error::Error,
    ids::{self, ApiId, GroupId, ProductId},
};

/// For how long a guest may not see what another process has changed.
const GUESTS_WAIT: time::Duration = time::Duration::milliseconds(500);

/// A published product, whoever may see it.
#[derive(Debug)]
pub struct Product {
    pub id: ProductId,
    pub name: String,
    pub display_name: String,
    pub subscription_required: bool,
    pub approval_required: bool,
    /// How many APIs it has.
    pub apis: i64,
    pub beginning: Beginning,
    search_folded: String,
    groups: Vec<GroupId>,
}

/// An API in a published product.
#[derive(Debug)]
pub struct Api {
    pub id: ApiId,
    pub name: String,
    pub display_name: String,
    pub api_version: String,
    pub operations: i64,
    /// What administrators say it is about.
    pub tags: Box<[String]>,
    tags_folded: Box<[String]>,
    /// The set whose versions it is one of, and which of them.
    pub version_set: Option<Box<str>>,
    pub set_version: Box<str>,
    pub beginning: Beginning,
    search_folded: String,
    name_folded: String,
    /// Places of its products in the list of them.
    products: Vec<usize>,
}

impl Product {
    pub fn path(&self) -> String {
        format!("/products/{}", ids::encode(&self.name))
    }

    /// Whether one of the reader's own groups opens it.
    fn opens_to(&self, standing: &Standing) -> bool {
        self.groups.iter().any(|group| standing.is_in(*group))
    }

    /// Whether it takes subscriptions, and from others than administrators.
    pub fn is_subscribable(&self) -> bool {
        self.subscription_required && self.groups.iter().any(|group| !matches!(*group, ids::ADMINISTRATORS | ids::GUESTS))
    }

    /// Whether it is listed: as above, or open to Guests.
    fn is_listed(&self, standing: Option<&Standing>) -> bool {
        self.groups.contains(&ids::GUESTS) || standing.is_some_and(|standing| self.opens_to(standing))
    }
}

impl Api {
    pub fn path(&self) -> String {
        format!("/apis/{}", ids::encode(&self.name))
    }
}

/// How a description begins: as it was written, and as text once somebody has drawn it.
#[derive(Debug, Default)]
pub struct Beginning {
    written: String,
    text: OnceLock<String>,
}

impl Beginning {
    fn of(written: String) -> Self {
        Self { written, text: OnceLock::new() }
    }

    pub fn text(&self, draw: impl FnOnce(&str) -> String) -> &str {
        self.text.get_or_init(|| draw(&self.written))
    }
}

/// A published product among others, as somebody sees it.
#[derive(Clone, Debug)]
pub struct ProductCard {
    pub product: Arc<Product>,
    held: Option<Held>,
    may: bool,
    for_guest: bool,
}

impl std::ops::Deref for ProductCard {
    type Target = Product;
    fn deref(&self) -> &Product {
        &self.product
    }
}

impl ProductCard {
    /// What the viewer has or may have of it, in a word or two, and the badge's tone.
    pub fn badge(&self) -> Option<(&'static str, &'static str)> {
        match (self.held, self.subscription_required) {
            (Some(Held::Active), _) => Some(("Subscribed", "good")),
            (Some(Held::Suspended), _) => Some(("Suspended", "warn")),
            (Some(Held::Submitted), _) => Some(("Submitted", "")),
            (None, false) => Some(("No subscription needed", "")),
            _ if !self.may && !self.for_guest => Some(("Reading only", "")),
            _ => self.approval_required.then_some(("Needs approval", "")),
        }
    }
}

/// What was published at a version.
#[derive(Debug, Default)]
pub struct Catalog {
    version: i64,
    /// In the order that administrators gave them, then by name.
    products: Vec<Arc<Product>>,
    /// By name.
    apis: Vec<Arc<Api>>,
}

impl Catalog {
    fn of(rows: store::published::Published) -> Self {
        let mut products = Vec::new();
        let mut holders: HashMap<ApiId, Vec<usize>> = HashMap::new();
        for (place, row) in rows.products.into_iter().enumerate() {
            let apis = row.apis.unwrap_or_default();
            for api in &apis {
                holders.entry(*api).or_default().push(place);
            }
            products.push(Arc::new(Product {
                id: row.id,
                name: row.name,
                display_name: row.display_name,
                subscription_required: row.subscription_required == 1,
                approval_required: row.approval_required == 1,
                apis: i64::try_from(apis.len()).unwrap_or(i64::MAX),
                beginning: Beginning::of(row.beginning),
                search_folded: row.search_folded,
                groups: row.groups.unwrap_or_default(),
            }));
        }
        let apis = rows.apis.into_iter().filter_map(|row| {
            Some(Arc::new(Api {
                products: holders.remove(&row.id)?,
                id: row.id,
                name: row.name,
                display_name: row.display_name,
                api_version: row.api_version,
                operations: row.operations,
                tags_folded: row.own_tags.iter().map(|tag| ids::fold(tag)).collect(),
                tags: row.own_tags.into_boxed_slice(),
                version_set: row.version_set.map(String::into_boxed_str),
                set_version: row.set_version.into_boxed_str(),
                beginning: Beginning::of(row.beginning),
                search_folded: row.search_folded,
                name_folded: row.name_folded,
            }))
        });
        Self { version: rows.version, apis: apis.collect(), products }
    }

    /// The products that a viewer sees and that contain the needle, in their order; and how many.
    pub fn products(&self, standing: Option<&Standing>, held: &HashMap<ProductId, Held>, wanted: Wanted<'_>) -> (Vec<ProductCard>, i64) {
        let needle = ids::fold(wanted.needle);
        let seen = self.products.iter().filter(|product| product.is_listed(standing) && product.search_folded.contains(&needle));
        let (products, total) = stretch(seen, wanted);
        let card = |product: &Arc<Product>| ProductCard {
            held: held.get(&product.id).copied(),
            may: standing.is_some_and(|standing| product.opens_to(standing)),
            for_guest: standing.is_none(),
            product: product.clone(),
        };
        (products.into_iter().map(card).collect(), total)
    }

    pub fn version(&self) -> i64 {
        self.version
    }

    /// The APIs in a product that the viewer was found to see: who sees a product sees all that is in it.
    pub fn apis_of(&self, product: ProductId) -> Vec<Arc<Api>> {
        let Some(place) = self.products.iter().position(|known| known.id == product) else { return Vec::new() };
        self.apis.iter().filter(|api| api.products.contains(&place)).cloned().collect()
    }

    /// The API of a name with the products that a viewer sees it in, in their order; nothing when there is none of these.
    pub fn api(&self, standing: Option<&Standing>, name: &str) -> Option<(Arc<Api>, Vec<Arc<Product>>)> {
        let folded = ids::fold(name);
        let api = self.apis.iter().find(|api| api.name_folded == folded)?;
        let holders = api.products.iter().filter_map(|place| self.products.get(*place));
        let listed: Vec<Arc<Product>> = holders.filter(|product| product.is_listed(standing)).cloned().collect();
        (!listed.is_empty()).then(|| (api.clone(), listed))
    }

    /// The APIs that a viewer sees, which are those in a product that is listed for them.
    fn seen(&self, standing: Option<&Standing>) -> impl Iterator<Item = &Arc<Api>> {
        let listed: BTreeSet<usize> =
            self.products.iter().enumerate().filter(|(_, product)| product.is_listed(standing)).map(|(place, _)| place).collect();
        self.apis.iter().filter(move |api| api.products.iter().any(|place| listed.contains(place)))
    }

    /// The APIs of an API's set that a viewer sees, in no order; none when there is none but itself.
    pub fn versions(&self, standing: Option<&Standing>, api: &Api) -> Vec<Arc<Api>> {
        let Some(set) = &api.version_set else { return Vec::new() };
        let versions: Vec<Arc<Api>> = self.seen(standing).filter(|other| other.version_set.as_ref() == Some(set)).cloned().collect();
        if versions.len() > 1 { versions } else { Vec::new() }
    }

    /// The tags of the APIs that a viewer sees, by name.
    pub fn tags(&self, standing: Option<&Standing>) -> Vec<&str> {
        let tags = self.seen(standing).flat_map(|api| api.tags_folded.iter().zip(&api.tags));
        tags.map(|(folded, tag)| (folded.as_str(), tag.as_str())).collect::<BTreeMap<_, _>>().into_values().collect()
    }

    /// Those of the APIs that a viewer sees that contain the needle, and have the tag unless it is empty; and how many.
    pub fn apis(&self, standing: Option<&Standing>, tag: &str, wanted: Wanted<'_>) -> (Vec<Arc<Api>>, i64) {
        let (needle, tag) = (ids::fold(wanted.needle), ids::fold(tag));
        let has = |api: &Api| tag.is_empty() || api.tags_folded.contains(&tag);
        let matching = self.seen(standing).filter(|api| api.search_folded.contains(&needle) && has(api));
        let (apis, total) = stretch(matching, wanted);
        (apis.into_iter().cloned().collect(), total)
    }
}

/// The rows of a page, and how many there are on all of them.
fn stretch<T>(rows: impl Iterator<Item = T>, wanted: Wanted<'_>) -> (Vec<T>, i64) {
    let (mut page, mut total) = (Vec::new(), 0);
    for row in rows {
        if total >= wanted.offset && total < wanted.offset + wanted.limit {
            page.push(row);
        }
        total += 1;
    }
    (page, total)
}

/// A catalogue, and up to when it was known to be the newest.
#[derive(Clone)]
struct Kept {
    catalog: Arc<Catalog>,
    commits: u64,
    checked_at: Instant,
}

/// Keeps the newest catalogue.
#[derive(Default)]
pub struct Memory {
    kept: RwLock<Option<Kept>>,
    /// One at a time reads it anew; the others wait for what it reads.
    reading: Mutex<()>,
}

impl Memory {
    /// The catalogue for this reader.
    pub async fn current(&self, db: &Database, standing: Option<&Standing>) -> Result<Arc<Catalog>, Error> {
        if let Some(kept) = self.usable(db, standing) {
            return Ok(kept);
        }
        let _alone = self.reading.lock().await;
        if let Some(kept) = self.usable(db, standing) {
            return Ok(kept);
        }
        // Before anything is read: a commit from now on makes it old.
        let (commits, checked_at) = (db.commits(), db.now());
        let mut connection = db.read().await?;
        let version = store::published::version(&mut connection).await?;
        let kept = self.kept().filter(|kept| kept.catalog.version == version);
        let catalog = match kept {
            Some(kept) => kept.catalog,
            None => Arc::new(Catalog::of(store::published::read(&mut connection).await?)),
        };
        let mut place = self.kept.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *place = Some(Kept { catalog: catalog.clone(), commits, checked_at });
        Ok(catalog)
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn usable(&self, db: &Database, standing: Option<&Standing>) -> Option<Arc<Catalog>> {
        let kept = self.kept()?;
        let usable = match standing {
            Some(standing) => kept.catalog.version >= standing.catalog_version(),
            None => kept.commits == db.commits() && db.now().since(kept.checked_at).abs() < GUESTS_WAIT,
        };
        usable.then_some(kept.catalog)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A product's groups, and the APIs in it.
    type Made = (Vec<i64>, Vec<i64>);

    fn catalog(products: &[Made]) -> Catalog {
        let groups = |made: &Made| Some(made.0.iter().map(|group| GroupId(*group)).collect());
        let apis = |made: &Made| Some(made.1.iter().collect::<BTreeSet<_>>().into_iter().map(|api| ApiId(*api)).collect());
        let product = |(place, made): (usize, &Made)| store::published::ProductRow {
            id: ProductId(place as i64),
            name: format!("product-{place}"),
            display_name: String::new(),
            beginning: String::new(),
            search_folded: String::new(),
            subscription_required: 1,
            approval_required: 0,
            groups: groups(made),
            apis: apis(made),
        };
        let api = |api: i64| store::published::ApiRow {
            id: ApiId(api),
            name: format!("api-{api}"),
            name_folded: format!("api-{api}"),
            display_name: String::new(),
            beginning: String::new(),
            search_folded: String::new(),
            api_version: String::new(),
            version_set: (api > 3).then(|| "set".to_owned()),
            set_version: String::new(),
            own_tags: if api < 2 { vec!["Odd One".to_owned()] } else { Vec::new() },
            operations: 0,
        };
        let products = products.iter().enumerate().map(product).collect();
        Catalog::of(store::published::Published { version: 1, products, apis: (0..6).map(api).collect() })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// The rule once more, as the design says it, in the plainest words.
        #[test]
        fn a_reader_sees_what_the_rule_says(
            made in prop::collection::vec((prop::collection::vec(1i64..9, 0..4), prop::collection::vec(0i64..6, 0..4)), 0..6),
            reader in prop::option::of((any::<bool>(), prop::collection::vec(4i64..9, 0..4))),
            offset in 0i64..4,
        ) {
            let own: Option<Vec<i64>> = reader.clone().map(|(administrator, mut groups)| {
                groups.push(2);
                if administrator { groups.push(1); }
                groups
            });
            let listed = |made: &Made| made.0.contains(&3) || own.as_ref().is_some_and(|own| made.0.iter().any(|group| own.contains(group)));
            let standing = reader.map(|(administrator, groups)| Standing::of(administrator, groups.into_iter().map(GroupId), 1));
            let catalog = catalog(&made);
            let wanted = Wanted { needle: "", limit: 2, offset };

            let expected: Vec<String> =
                made.iter().enumerate().filter(|(_, made)| listed(made)).map(|(place, _)| format!("product-{place}")).collect();
            let (cards, total) = catalog.products(standing.as_ref(), &HashMap::new(), wanted);
            prop_assert_eq!(total as usize, expected.len());
            let page: Vec<String> = expected.into_iter().skip(offset as usize).take(2).collect();
            prop_assert_eq!(cards.iter().map(|card| card.name.clone()).collect::<Vec<_>>(), page);

            let expected: Vec<String> =
                (0..6).filter(|api| made.iter().any(|made| listed(made) && made.1.contains(api))).map(|api| format!("api-{api}")).collect();
            if let Some((api, _)) = catalog.api(standing.as_ref(), "api-4") {
                let both = expected.contains(&"api-5".to_owned());
                prop_assert_eq!(catalog.versions(standing.as_ref(), &api).len(), if both { 2 } else { 0 });
            }
            let tagged = expected.iter().filter(|name| matches!(name.as_str(), "api-0" | "api-1")).count();
            prop_assert_eq!(catalog.apis(standing.as_ref(), "odd ONE", wanted).1 as usize, tagged);
            prop_assert_eq!(catalog.tags(standing.as_ref()).len(), tagged.min(1));
            let (apis, total) = catalog.apis(standing.as_ref(), "", wanted);
            prop_assert_eq!(total as usize, expected.len());
            for api in 0..6 {
                let holders: Vec<String> = made.iter().enumerate().filter(|(_, made)| listed(made) && made.1.contains(&api))
                    .map(|(place, _)| format!("product-{place}")).collect();
                let seen = catalog.api(standing.as_ref(), &format!("API-{api}")).map(|(_, products)| products).unwrap_or_default();
                prop_assert_eq!(seen.iter().map(|product| product.name.clone()).collect::<Vec<_>>(), holders);
            }
            let page: Vec<String> = expected.into_iter().skip(offset as usize).take(2).collect();
            prop_assert_eq!(apis.iter().map(|api| api.name.clone()).collect::<Vec<_>>(), page);
        }
    }
}
