//! The management API's rows: pages of a list wherever they begin, and filters on fields that have an index.

use std::time::Instant;

use crate::{
    rows::Bench,
    support::{database::ADMINISTRATOR, http, load},
    table::{Table, Verdict},
};

const SERVICE: &str = "/subscriptions/0/resourceGroups/portico/providers/Microsoft.ApiManagement/service/portico";
/// Calls of each address; a token may make 3,000 a minute.
const CALLS: usize = 50;

impl Bench<'_> {
    /// A hundred users a page, at five places of the list, and by filters; one call after the other. The exact total is part of every
    /// answer, and counted anew with a filter: what one user of the same filter takes is taken off, and told apart.
    pub fn programs(&self, table: &mut Table) {
        let token = self.filled.token("read");
        let median = |query: &str, least: usize| {
            let address = format!("{SERVICE}/users?api-version=2024-05-01&{query}");
            let request = http::get_with(&address, &format!("authorization: Bearer {token}\r\n"));
            let mut connection = self.server.connect();
            let times = (0..CALLS).map(|_| {
                let began = Instant::now();
                let answer = connection.ask(&request).expect("an answer");
                let took = began.elapsed().as_secs_f64() * 1_000.0;
                assert_eq!(answer.status, 200, "{query}: {}", answer.text());
                assert!(answer.text().matches("\"email\":").count() >= least, "{query}: {}", answer.text());
                took
            });
            load::median(times.collect())
        };
        let first = self
            .server
            .ask(&http::get_with(&format!("{SERVICE}/users?api-version=1&$top=1"), &format!("authorization: Bearer {token}\r\n")));
        let users: u64 = first.text().split("\"count\":").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok()).expect("a total");
        let place = |skip: u64| format!("$top=100&$skip={skip}");
        let places: Vec<f64> = [0, users / 4, users / 2, users / 4 * 3, users - 100].map(|skip| median(&place(skip), 100)).to_vec();
        let filters = [
            (format!("email eq '{ADMINISTRATOR}'"), 0, 1),
            ("startswith(email,'admin@')".to_owned(), 0, 1),
            ("registrationDate ge datetime'2000-01-01T00:00:00Z'".to_owned(), users / 2, 100),
            ("state eq 'active'".to_owned(), users / 2, 100),
        ];
        let (mut pages, mut totals) = (Vec::new(), Vec::new());
        for (filter, skip, least) in filters {
            let filter = filter.replace(' ', "%20");
            let total = median(&format!("$top=1&$filter={filter}"), 1);
            let whole = median(&format!("{}&$filter={filter}", place(skip)), least);
            pages.push(if skip == 0 { whole } else { (whole - total).max(0.0) });
            totals.push(total);
        }
        let each = |times: &[f64]| times.iter().map(|time| format!("{time:.1}")).collect::<Vec<_>>().join(", ");
        let told = [
            ("at any $skip", &places, format!("medians {} ms, the total included", each(&places))),
            ("by an indexed field", &pages, format!("medians {} ms; with one user, the total mostly: {} ms", each(&pages), each(&totals))),
        ];
        for (what, times, beside) in told {
            let worst = times.iter().copied().fold(0.0, f64::max);
            table.add(
                &format!("the management API: 100 of {users} users, {}, {what}", self.engine),
                "< 10 ms",
                &format!("slowest median {worst:.1} ms"),
                &beside,
                Verdict::of(worst < 10.0),
            );
        }
    }
}
