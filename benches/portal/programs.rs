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
    /// A hundred users a page, at five places of the list, and by filters; one call after the other, the exact total included.
    pub fn programs(&self, table: &mut Table) {
        let token = self.filled.token("read");
        let median = |query: &str, least: usize| {
            let address = format!("{SERVICE}/users?api-version=2024-05-01&$top=100&{query}");
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
        let places = [0, users / 4, users / 2, users / 4 * 3, users - 100].map(|skip| (format!("$skip={skip}"), 100));
        let last = users / 2;
        let filters = [
            (format!("$filter=email%20eq%20'{ADMINISTRATOR}'"), 1),
            ("$filter=startswith(email,'admin@')".to_owned(), 1),
            (format!("$filter=registrationDate%20ge%20datetime'2000-01-01T00:00:00Z'&$skip={last}"), 100),
            (format!("$filter=state%20eq%20'active'&$skip={last}"), 100),
        ];
        for (what, queries) in [("at any $skip", &places[..]), ("by an indexed field", &filters[..])] {
            let times: Vec<f64> = queries.iter().map(|(query, least)| median(query, *least)).collect();
            let worst = times.iter().copied().fold(0.0, f64::max);
            let each = times.iter().map(|time| format!("{time:.1}")).collect::<Vec<_>>().join(", ");
            table.add(
                &format!("the management API: 100 of {users} users, {}, {what}", self.engine),
                "< 10 ms",
                &format!("slowest median {worst:.1} ms"),
                &format!("medians {each} ms, the total included"),
                Verdict::of(worst < 10.0),
            );
        }
    }
}
