//! Pages of a list: which rows, and the links to the pages beside it.

use super::{filters::thousands, url::encode};
use crate::db::COUNTED;

/// What a list is asked for: sizes are those that the page offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub number: i64,
    pub size: i64,
}

impl Page {
    pub const SIZES: [i64; 3] = [25, 50, 100];
    pub const USUAL: i64 = 50;

    /// From a query string; what makes no sense becomes the first page of fifty.
    pub fn new(number: Option<i64>, size: Option<i64>) -> Self {
        Self {
            number: number.filter(|n| (1..=1_000_000).contains(n)).unwrap_or(1),
            size: size.filter(|s| Self::SIZES.contains(s)).unwrap_or(Self::USUAL),
        }
    }

    pub fn offset(self) -> i64 {
        (self.number - 1) * self.size
    }
}

/// The foot of a list: "51–100 of 1,234", previous and next, rows a page.
#[derive(Clone, Debug)]
pub struct Pager {
    pub page: Page,
    pub total: i64,
    /// Counted to the end, however many there are.
    exact: bool,
    path: String,
    /// What the list is filtered and sorted by, without what is empty.
    query: Vec<(String, String)>,
}

impl Pager {
    pub fn new(page: Page, total: i64, path: &str, query: &[(&str, &str)]) -> Self {
        let query = query.iter().filter(|(_, value)| !value.is_empty()).map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { page, total, exact: false, path: path.to_owned(), query }
    }

    /// With a total that was counted to the end.
    pub fn exact(self, exact: bool) -> Self {
        Self { exact, ..self }
    }

    /// Whether there is anything to page through: more rows than the shortest page holds, or a page past the first.
    pub fn is_needed(&self) -> bool {
        self.total > Page::SIZES[0] || self.page.number > 1
    }

    pub fn first(&self) -> i64 {
        if self.total == 0 { 0 } else { self.page.offset() + 1 }
    }

    pub fn last(&self) -> i64 {
        (self.page.offset() + self.page.size).min(self.total)
    }

    /// "1,234", or "10,000+" where counting stopped.
    pub fn total_text(&self) -> String {
        if self.exact {
            return thousands(self.total);
        }
        let more = if self.total > COUNTED { "+" } else { "" };
        format!("{}{more}", thousands(self.total.min(COUNTED)))
    }

    /// "1–50 of 1,234".
    pub fn range(&self) -> String {
        let total = self.total_text();
        match (self.total, self.first() > self.last()) {
            (0, _) => "None".to_owned(),
            (_, true) => format!("None here; {total} before"),
            _ => format!("{}–{} of {total}", thousands(self.first()), thousands(self.last())),
        }
    }

    fn link(&self, without: &str, more: &[(&str, String)]) -> String {
        let kept = self.query.iter().filter(|(key, _)| key != without).map(|(key, value)| (key.as_str(), value.clone()));
        let pairs: Vec<String> = kept.chain(more.iter().cloned()).map(|(key, value)| format!("{key}={}", encode(&value))).collect();
        if pairs.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, pairs.join("&")) }
    }

    fn page_link(&self, number: i64, size: i64) -> String {
        let mut more = Vec::new();
        if number > 1 {
            more.push(("page", number.to_string()));
        }
        if size != Page::USUAL {
            more.push(("size", size.to_string()));
        }
        self.link("", &more)
    }

    /// The address of this very page.
    pub fn here(&self) -> String {
        self.page_link(self.page.number, self.page.size)
    }

    /// The first page, sorted by this; the empty text is the list's usual order.
    pub fn sorted_by(&self, sort: &str) -> String {
        let mut more = vec![("sort", sort.to_owned())];
        if self.page.size != Page::USUAL {
            more.push(("size", self.page.size.to_string()));
        }
        self.link("sort", &more)
    }

    pub fn previous(&self) -> Option<String> {
        (self.page.number > 1).then(|| self.page_link(self.page.number - 1, self.page.size))
    }

    pub fn next(&self) -> Option<String> {
        (self.page.offset() + self.page.size < self.total).then(|| self.page_link(self.page.number + 1, self.page.size))
    }

    /// Rows a page: (size, link, whether it is the current one).
    pub fn sizes(&self) -> Vec<(i64, String, bool)> {
        Page::SIZES.iter().map(|&size| (size, self.page_link(1, size), size == self.page.size)).collect()
    }
}

/// A column heading: where it leads and how the list is sorted by it now.
#[derive(Clone, Debug)]
pub struct Heading {
    pub href: String,
    /// `ascending`, `descending` or empty, for `aria-sort`.
    pub direction: &'static str,
}

impl Heading {
    /// `current` is the list's order: a column's name, with `-` before it when it runs down. Numbers and dates begin at the large end.
    pub fn new(pager: &Pager, column: &str, current: &str, down_first: bool) -> Self {
        let down = format!("-{column}");
        let (next, direction) = if current == column {
            (down.as_str(), "ascending")
        } else if current == down {
            (column, "descending")
        } else {
            (if down_first { down.as_str() } else { column }, "")
        };
        Self { href: pager.sorted_by(next), direction }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_links() {
        let pager = Pager::new(Page::new(Some(2), Some(25)), 60, "/x", &[("q", "a b"), ("empty", "")]);
        assert_eq!(pager.range(), "26–50 of 60");
        assert_eq!(pager.previous().as_deref(), Some("/x?q=a%20b&size=25"));
        assert_eq!(pager.next().as_deref(), Some("/x?q=a%20b&page=3&size=25"));
        assert_eq!(pager.sorted_by("-name"), "/x?q=a%20b&sort=-name&size=25");
        assert_eq!(pager.here(), "/x?q=a%20b&page=2&size=25");
        assert_eq!(Pager::new(Page::new(None, None), 0, "/x", &[]).range(), "None");
        assert!(pager.is_needed() && !Pager::new(Page::new(None, None), 25, "/x", &[]).is_needed());
        assert_eq!(Pager::new(Page::new(Some(9), None), 10, "/x", &[]).range(), "None here; 10 before");
        assert_eq!(Page::new(Some(-1), Some(7)), Page { number: 1, size: 50 });
        assert_eq!(Pager::new(Page::new(None, None), 10_001, "/x", &[]).range(), "1–50 of 10,000+");
        assert_eq!(Pager::new(Page::new(None, None), 10_001, "/x", &[]).exact(true).range(), "1–50 of 10,001");
    }
}
