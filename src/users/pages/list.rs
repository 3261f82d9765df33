//! The list of users.

use std::sync::Arc;

use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::{Administrator, SignedIn},
    groups::{Directory, GroupMark},
    ids,
    users::{
        bulk::{FilterWords, INVITED},
        store::list::{self, Sort, UserRow},
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
    choices: Choices,
    /// The groups that the list is narrowed to, inside and outside.
    narrowed: [Narrowed; 2],
}

/// Groups that menus list as buttons; more are searched for by name.
const LISTED: usize = 24;
/// Names that a field for a group suggests.
const SUGGESTED: usize = 200;

/// The groups to choose from.
struct Choices {
    custom: Vec<Arc<GroupMark>>,
    others: Vec<Arc<GroupMark>>,
    /// There are so many that their names are typed.
    many: bool,
}

impl Choices {
    fn of(directory: &Directory, narrowed: &[Narrowed]) -> Self {
        let many = directory.custom().nth(LISTED).is_some() || directory.others().nth(LISTED).is_some();
        let (custom, others) = (directory.custom().take(SUGGESTED).cloned().collect(), directory.others());
        // Nobody who has an account is a guest.
        let asked = narrowed.iter().filter_map(Narrowed::group).any(|group| group.id == ids::GUESTS);
        Self { custom, others: others.filter(|group| group.id != ids::GUESTS || asked).take(SUGGESTED).cloned().collect(), many }
    }
}

/// A group that is named in the filter.
enum Narrowed {
    Not,
    To(Arc<GroupMark>),
    /// There is none by these words.
    Unknown(String),
}

impl Narrowed {
    /// Puts the name of what was found in place of what was typed.
    fn find(directory: &Directory, words: &mut String) -> Self {
        if words.is_empty() {
            return Self::Not;
        }
        match directory.find(words) {
            Some(group) => {
                group.name.clone_into(words);
                Self::To(group.clone())
            }
            None => Self::Unknown(words.clone()),
        }
    }

    fn group(&self) -> Option<&GroupMark> {
        if let Self::To(group) = self { Some(group) } else { None }
    }

    fn words(&self) -> &str {
        match self {
            Self::Not => "",
            Self::To(group) => &group.display_name,
            Self::Unknown(words) => words,
        }
    }

    fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}

impl ListPage {
    fn ticked(&self, name: &str) -> bool {
        self.shown.all() || self.frame.flash.as_ref().is_some_and(|flash| flash.ticked.iter().any(|ticked| ticked == name))
    }

    fn unknown(&self) -> Option<&Narrowed> {
        self.narrowed.iter().find(|narrowed| narrowed.is_unknown())
    }

    fn total(&self) -> String {
        self.pager.total_text()
    }

    fn beyond_this_page(&self) -> bool {
        self.pager.total > i64::try_from(self.users.len()).unwrap_or(i64::MAX)
    }

    fn nobody_matches(&self) -> String {
        let mut sentence = "No user matches".to_owned();
        if !self.shown.q.is_empty() {
            sentence.push_str(&format!(" “{}”", web::filters::shortened(&self.shown.q, 60)));
        }
        for (narrowed, words) in self.narrowed.iter().zip(["in", "outside"]) {
            if let Some(group) = narrowed.group() {
                sentence.push_str(&format!(" {words} {}", web::filters::shortened(&group.display_name, 60)));
            }
        }
        sentence.push('.');
        sentence
    }
}

pub(super) async fn list(
    _admin: Administrator,
    me: SignedIn,
    portal: Data<Portal>,
    frame: Frame,
    Query(mut shown): Query<Shown>,
) -> Answer {
    let now = portal.db.now();
    let directory = portal.groups.current(&portal.db, me.standing()).await?;
    let narrowed = [Narrowed::find(&directory, &mut shown.inside), Narrowed::find(&directory, &mut shown.outside)];
    let [inside, outside] = narrowed.each_ref().map(|narrowed| narrowed.group().map(|group| group.id));
    let filter = shown.words().filter(inside, outside)?;
    let (sort, sorted) = parse_sort(&shown.sort);
    let mut page = shown.page();
    // Leaving an unknown group out of the filter would show other people than were asked for.
    let unknown = narrowed.iter().any(Narrowed::is_unknown);
    let listed = if unknown {
        list::Listed { users: Vec::new(), total: 0, exact: true }
    } else {
        let mut connection = portal.db.read().await?;
        let listed = list::list(&mut connection, now, &directory, &filter, (sort, page.size, page.offset()), shown.all()).await?;
        if listed.users.is_empty() && listed.total > 0 {
            // The page emptied itself, by a change of its own say: the last one that has rows is shown.
            page.number = (listed.total - 1) / page.size + 1;
            list::list(&mut connection, now, &directory, &filter, (sort, page.size, page.offset()), shown.all()).await?
        } else {
            listed
        }
    };
    shown.state = match filter.state {
        Some(_) if filter.invited => INVITED.to_owned(),
        state => state.map_or(String::new(), |state| state.as_str().to_owned()),
    };
    shown.page = page.number.to_string();
    shown.size = page.size.to_string();
    sorted.clone_into(&mut shown.sort);

    let pager = shown.pager(page, listed.total).exact(listed.exact);
    let page = ListPage {
        name: Heading::new(&pager, "name", sorted, false),
        state: Heading::new(&pager, "state", sorted, false),
        registered: Heading::new(&pager, "registered", sorted, true),
        signin: Heading::new(&pager, "signin", sorted, true),
        frame,
        shown,
        users: listed.users,
        pager,
        choices: Choices::of(&directory, &narrowed),
        narrowed,
    };
    web::page_with(if unknown { StatusCode::NOT_FOUND } else { StatusCode::OK }, &page)
}
