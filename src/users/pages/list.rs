//! The list of users.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::Administrator,
    groups::Group,
    users::{
        bulk::FilterWords,
        store::list::{self, GroupMark, OFFERED, Sort, UserRow},
    },
    web::{
        self, Answer, Frame,
        form::Query,
        paging::{Heading, Page, Pager},
    },
};

/// The list as it is shown: what stands in its address, and in the hidden fields of its form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    pub q: String,
    pub state: String,
    #[serde(rename = "in")]
    pub inside: String,
    #[serde(rename = "not_in")]
    pub outside: String,
    pub sort: String,
    pub page: String,
    pub size: String,
    /// `1` when everybody who matches is selected.
    pub all: String,
}

impl Shown {
    pub fn words(&self) -> FilterWords {
        FilterWords { q: self.q.clone(), state: self.state.clone(), inside: self.inside.clone(), outside: self.outside.clone() }
    }

    pub fn all(&self) -> bool {
        self.all == "1"
    }

    fn filtered(&self) -> bool {
        !(self.q.is_empty() && self.state.is_empty() && self.inside.is_empty() && self.outside.is_empty())
    }

    fn page(&self) -> Page {
        Page::new(self.page.parse().ok(), self.size.parse().ok())
    }

    fn pager(&self, page: Page, total: i64) -> Pager {
        let (_, sorted) = parse_sort(&self.sort);
        let query = [
            ("q", self.q.as_str()),
            ("state", self.state.as_str()),
            ("in", self.inside.as_str()),
            ("not_in", self.outside.as_str()),
            ("sort", if sorted == "name" { "" } else { sorted }),
            ("all", if self.all() { "1" } else { "" }),
        ];
        Pager::new(page, total, "/publisher/users", &query)
    }

    /// The address of the list as it is shown.
    pub fn address(&self) -> String {
        self.pager(self.page(), 0).here()
    }

    /// The same, with everybody who matches selected, or with nobody.
    fn selecting(&self, all: bool) -> String {
        Self { all: if all { "1".to_owned() } else { String::new() }, ..self.clone() }.address()
    }
}

fn parse_sort(text: &str) -> (Sort, &'static str) {
    match text {
        "-name" => (Sort::NameDown, "-name"),
        "state" => (Sort::State, "state"),
        "-state" => (Sort::StateDown, "-state"),
        "registered" => (Sort::Registered, "registered"),
        "-registered" => (Sort::RegisteredDown, "-registered"),
        "signin" => (Sort::SignIn, "signin"),
        "-signin" => (Sort::SignInDown, "-signin"),
        _ => (Sort::Name, "name"),
    }
}

#[derive(Template)]
#[template(path = "users/list.html")]
struct ListPage {
    frame: Frame,
    shown: Shown,
    users: Vec<UserRow>,
    pager: Pager,
    name: Heading,
    state: Heading,
    registered: Heading,
    signin: Heading,
    custom: Vec<GroupMark>,
    others: Vec<GroupMark>,
    /// There are more custom groups than the menus hold.
    more: bool,
}

impl ListPage {
    fn ticked(&self, name: &str) -> bool {
        self.shown.all() || self.frame.flash.as_ref().is_some_and(|flash| flash.ticked.iter().any(|ticked| ticked == name))
    }

    /// Counting stops at 10,000 unless everybody is selected.
    fn total(&self) -> String {
        if self.shown.all() { web::filters::thousands(self.pager.total) } else { self.pager.total_text() }
    }

    fn beyond_this_page(&self) -> bool {
        self.pager.total > i64::try_from(self.users.len()).unwrap_or(i64::MAX)
    }

    fn nobody_matches(&self) -> String {
        let mut sentence = "No user matches".to_owned();
        if !self.shown.q.is_empty() {
            sentence.push_str(&format!(" “{}”", web::filters::shortened(&self.shown.q, 60)));
        }
        for (name, words) in [(&self.shown.inside, "in"), (&self.shown.outside, "outside")] {
            if let Some(group) = self.custom.iter().chain(&self.others).find(|group| group.name == *name) {
                sentence.push_str(&format!(" {words} {}", web::filters::shortened(&group.display_name, 60)));
            }
        }
        sentence.push('.');
        sentence
    }
}

pub(super) async fn list(_admin: Administrator, portal: Data<Portal>, frame: Frame, Query(mut shown): Query<Shown>) -> Answer {
    let now = portal.db.now();
    let mut connection = portal.db.read().await?;
    let found = shown.words().find(&mut connection).await?;
    shown.state = found.filter.state.map_or(String::new(), |state| state.as_str().to_owned());
    let (sort, sorted) = parse_sort(&shown.sort);
    let mut page = shown.page();
    let mut listed = list::list(&mut connection, now, &found.filter, sort, page.size, page.offset(), shown.all()).await?;
    if listed.users.is_empty() && listed.total > 0 {
        // The page emptied itself, by a change of its own say: the last one that has rows is shown.
        page.number = (listed.total - 1) / page.size + 1;
        listed = list::list(&mut connection, now, &found.filter, sort, page.size, page.offset(), shown.all()).await?;
    }
    drop(connection);
    shown.page = page.number.to_string();
    shown.size = page.size.to_string();
    sorted.clone_into(&mut shown.sort);

    let more = listed.custom.len() > usize::try_from(OFFERED).unwrap_or(usize::MAX);
    let (mut custom, mut others) = (listed.custom, listed.others);
    custom.truncate(usize::try_from(OFFERED).unwrap_or(usize::MAX));
    for (group, name) in [(&found.inside, &mut shown.inside), (&found.outside, &mut shown.outside)] {
        if let Some(group) = group {
            group.name.clone_into(name);
            // A group that the filter names is a choice of the filter, however many there are.
            let list = if group.is_custom() { &mut custom } else { &mut others };
            if !list.iter().any(|mark| mark.name == group.name) {
                list.push(mark(group));
            }
        }
    }
    let pager = shown.pager(page, listed.total);
    web::page(&ListPage {
        name: Heading::new(&pager, "name", sorted, false),
        state: Heading::new(&pager, "state", sorted, false),
        registered: Heading::new(&pager, "registered", sorted, true),
        signin: Heading::new(&pager, "signin", sorted, true),
        frame,
        shown,
        users: listed.users,
        pager,
        custom,
        others,
        more,
    })
}

fn mark(group: &Group) -> GroupMark {
    GroupMark { name: group.name.clone(), display_name: group.display_name.clone(), kind: group.kind.clone() }
}
