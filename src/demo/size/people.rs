//! Users, who is in which group, and subscriptions: a batch at a time, so that a million need no more memory than twenty thousand.

use time::Duration;

use super::{
    END, Numbers,
    catalogue::{Catalogue, speaks},
    chance::{self, About, Chance, spread},
    words::{HOSTS, LANGUAGES, Language, RARE},
};
use crate::{
    app::Portal,
    audit::Actor,
    auth,
    db::{Clock, Database, Instant},
    error::Error,
    groups,
    ids::{self, SubscriptionId, UserId},
    subscriptions::{self, PastSubscription, State, Wanted},
    users::{self, NewUser, PastUser, UserState},
};

/// Users in one transaction, and in one entry of each group's members.
const BATCH: u64 = 20_000;
/// Rows in one statement.
const ROWS: usize = 2_000;
/// The past of everybody but the first administrators, in days.
const DAYS: i64 = 730;
/// Members of the last groups, however many users there are: what is measured at several sizes must match the same number.
const FIXED: [u64; 5] = [10_000, 500, 100, 10, 0];
/// How many have the surname `RARE`.
const RARELY: u64 = 500;
/// The address of the administrator whose password is printed.
const ADMINISTRATOR: &str = "admin@portal.example";

pub(super) struct People {
    numbers: Numbers,
    administrators: Vec<Actor>,
    shown: Vec<(String, &'static str)>,
    /// Memberships and subscriptions so far.
    joined: u64,
    subscribed: u64,
    /// The last groups' members, and how heavy the others are.
    fixed: Vec<u64>,
    weights: Vec<u64>,
}

/// A batch's users, with the groups each is in.
struct Batch {
    users: Vec<PastUser>,
    groups: Vec<Vec<usize>>,
}

/// How many of the users are administrators; they are in no custom group.
pub(super) fn administrators(users: u64) -> u64 {
    users.min(3 + users / 50_000)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn instant(from: Instant, until: Instant, share: f64) -> Instant {
    from.plus(until.since(from) * share)
}

impl People {
    pub fn new(numbers: &Numbers) -> Self {
        let fits = |fixed: &[u64]| fixed.iter().sum::<u64>() * 2 <= numbers.memberships;
        let people = numbers.users - administrators(numbers.users);
        let mut fixed: Vec<u64> = FIXED.into_iter().filter(|members| members * 2 <= numbers.users).collect();
        while !fits(&fixed) {
            fixed.remove(0);
        }
        // The rest must have room in the other groups.
        let others = numbers.groups.saturating_sub(fixed.len() as u64);
        let rest = numbers.memberships.saturating_sub(fixed.iter().sum());
        if others < fixed.len() as u64 || u128::from(rest) > u128::from(others) * u128::from(people) {
            fixed.clear();
        }
        let others = numbers.groups - fixed.len() as u64;
        let mut sum = 0;
        let weights = (0..others)
            .map(|group| {
                sum += 1_000_000_000 / (group + 3);
                sum
            })
            .collect();
        Self { numbers: *numbers, administrators: Vec::new(), shown: Vec::new(), joined: 0, subscribed: 0, fixed, weights }
    }

    /// The account that is printed of each kind.
    pub fn shown(self) -> Vec<(String, &'static str)> {
        self.shown
    }

    fn administrators(&self) -> u64 {
        administrators(self.numbers.users)
    }

    fn show(&mut self, user: &PastUser, kind: &'static str) {
        if !self.shown.iter().any(|(_, shown)| *shown == kind) {
            self.shown.push((user.profile.email().to_owned(), kind));
        }
    }

    pub async fn add_administrators(&mut self, db: &Database, hash: &str) -> Result<(), Error> {
        let mut tx = db.write().await?;
        let now = tx.now();
        let mut users = Vec::new();
        for number in 0..self.administrators() {
            let user = self.user(number, now)?;
            self.administrators.push(Actor::User { id: user.id, display: user.display(), administrator: true });
            self.show(&user, "administrator");
            users.push(user);
        }
        users::insert_past(&mut tx, &users, hash).await?;
        tx.commit().await
    }

    pub async fn add_everybody(&mut self, portal: &Portal, hash: &str, catalogue: &Catalogue) -> Result<(), Error> {
        let system = auth::system("sample");
        let (all, begin) = (self.numbers.users, self.administrators());
        let start = END.minus(Duration::days(DAYS));
        let at = |number: u64| instant(start, END, (number - begin) as f64 / (all - begin) as f64);
        for first in (begin..all).step_by(BATCH as usize) {
            let last = all.min(first + BATCH);
            // People register, then they are put into groups, then they subscribe.
            let (opens, closes) = (at(first), at(last));
            let registered = instant(opens, closes, 0.8);
            let batch = self.batch(first, last, opens, registered, catalogue)?;
            let clock = registered.date_time();
            let mut tx = portal.db.under(Clock::from_fn(move || clock)).write().await?;
            for users in batch.users.chunks(ROWS) {
                users::insert_past(&mut tx, users, hash).await?;
            }
            let mut inside: Vec<Vec<UserId>> = vec![Vec::new(); catalogue.groups.len()];
            for (user, groups) in batch.users.iter().zip(&batch.groups) {
                groups.iter().for_each(|&group| inside[group].push(user.id));
            }
            for ((_, name), inside) in catalogue.groups.iter().zip(&inside).filter(|(_, inside)| !inside.is_empty()) {
                groups::add_members_in(&mut tx, &system, name, inside).await?;
            }
            let subscriptions = self.subscriptions(&batch, registered, closes, catalogue);
            for subscriptions in subscriptions.chunks(ROWS) {
                subscriptions::insert_past(&mut tx, &portal.keys, subscriptions).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    fn batch(&mut self, first: u64, last: u64, opens: Instant, closes: Instant, catalogue: &Catalogue) -> Result<Batch, Error> {
        let mut batch = Batch { users: Vec::new(), groups: Vec::new() };
        for number in first..last {
            let at = instant(opens, closes, (number - first) as f64 / (last - first) as f64);
            let user = self.user(number, at)?;
            let groups = self.groups(number, catalogue.groups.len());
            let kind = match user.state {
                UserState::Pending => "pending: cannot sign in yet",
                UserState::Blocked => "blocked",
                _ if groups.is_empty() => "developer, in no group",
                _ => "developer, in groups",
            };
            self.show(&user, kind);
            batch.users.push(user);
            batch.groups.push(groups);
        }
        Ok(batch)
    }

    /// The user of that number; who are administrators is decided by the numbers alone.
    fn user(&self, number: u64, at: Instant) -> Result<PastUser, Error> {
        let seed = self.numbers.seed;
        let mut chance = Chance::new(seed, About::Person, number);
        let rare = spread(number, self.numbers.users, RARELY.min(self.numbers.users / 2));
        let language = if rare { &LANGUAGES[0] } else { speaks(&mut chance) };
        let (first_name, first) = part(&mut chance, language, language.first);
        let (mut last_name, mut last) = part(&mut chance, language, language.last);
        if rare {
            (last_name, last) = (RARE.to_owned(), RARE.to_lowercase());
        }
        let host = chance.pick(HOSTS).unwrap_or_default();
        let mut email = format!("{first}.{last}.{number}@{host}");
        if chance.one_in(5_000) {
            // As long as an address may be.
            let room = 254_usize.saturating_sub(email.len() + 1);
            let labels: Vec<&str> = std::iter::repeat_n("department", room / 11).collect();
            email = format!("{first}.{last}.{number}@{}{host}", labels.iter().map(|label| format!("{label}.")).collect::<String>());
        }
        let administrator = number < self.administrators();
        if number == 0 {
            ADMINISTRATOR.clone_into(&mut email);
        }
        let state = match chance.below(100) {
            _ if administrator => UserState::Active,
            0..4 => UserState::Pending,
            4..7 => UserState::Blocked,
            _ => UserState::Active,
        };
        let never = state == UserState::Pending || chance.percent(10);
        let seen = instant(at, END, chance.below(1_000_000) as f64 / 1_000_000.0);
        let note = if chance.one_in(50) { "Asked for a call before larger changes.".to_owned() } else { String::new() };
        let added_by = match self.administrators.get(chance.index(self.administrators.len())) {
            Some(actor) => actor.clone(),
            None => Actor::Operator,
        };
        Ok(PastUser {
            id: UserId(signed(number) + 1),
            name: chance::name(seed, number),
            profile: NewUser { email, first_name, last_name, note }.check()?,
            state,
            administrator,
            registered_at: at,
            last_sign_in_at: (!never).then_some(seen),
            added_by,
        })
    }

    /// The groups of a user, as places: so many in all that the last user completes the number asked for.
    fn groups(&mut self, number: u64, groups: usize) -> Vec<usize> {
        let (begin, all) = (self.administrators(), self.numbers.users);
        let (place, people) = (number - begin, all - begin);
        let mut chosen: Vec<usize> = Vec::new();
        let weighted = self.weights.len();
        for (nth, members) in self.fixed.iter().enumerate() {
            if spread(place, people, *members) {
                chosen.push(weighted + nth);
            }
        }
        debug_assert_eq!(weighted + self.fixed.len(), groups);
        let mut chance = Chance::new(self.numbers.seed, About::Member, number);
        let wanted = self.numbers.memberships - self.fixed.iter().sum::<u64>();
        let due = u64::try_from(u128::from(wanted) * u128::from(place + 1) / u128::from(people)).unwrap_or(wanted);
        // Some are in many groups and some in none, around the mean.
        let mean = wanted / people;
        let wish = (due + chance.below(2 * mean + 2)).saturating_sub(mean).saturating_sub(self.joined);
        let most = (weighted as u64).min(wanted - self.joined);
        let after = (people - place - 1).saturating_mul(weighted as u64);
        let least = (wanted - self.joined).saturating_sub(after).min(most);
        let count = wish.clamp(least, most);
        self.joined += count;
        let heaviest = self.weights.last().copied().unwrap_or(0);
        let mut taken = std::collections::BTreeSet::new();
        for _ in 0..count {
            let drawn = chance.below(heaviest);
            let mut group = self.weights.partition_point(|&upto| upto <= drawn);
            while !taken.insert(group) {
                group = (group + 1) % weighted;
            }
        }
        chosen.extend(taken);
        chosen
    }

    fn subscriptions(&mut self, batch: &Batch, opens: Instant, closes: Instant, catalogue: &Catalogue) -> Vec<PastSubscription> {
        let numbers = self.numbers;
        let mut found = Vec::new();
        for (user, groups) in batch.users.iter().zip(&batch.groups) {
            let number = u64::try_from(user.id.0 - 1).unwrap_or(0);
            let due = u64::try_from(u128::from(numbers.subscriptions) * u128::from(number + 1) / u128::from(numbers.users)).unwrap_or(0);
            if user.state == UserState::Pending {
                continue;
            }
            let mut chance = Chance::new(numbers.seed, About::Subscription, number);
            let mut seen: Vec<usize> = groups.iter().flat_map(|&group| &catalogue.to_group[group]).copied().collect();
            seen.extend(&catalogue.to_developers);
            seen.sort_unstable();
            seen.dedup();
            // Nobody has very many.
            let count = due.saturating_sub(self.subscribed).min(20).min(seen.len() as u64);
            for _ in 0..count {
                let product = &catalogue.products[seen.swap_remove(chance.index(seen.len()))];
                let state = match chance.below(100) {
                    0..20 if product.approval_required => State::Submitted,
                    20..25 if product.approval_required => State::Rejected,
                    25..28 => State::Suspended,
                    28..33 => State::Cancelled,
                    33..35 => State::Expired,
                    _ => State::Active,
                };
                let display_name: String = product.display_name.chars().take(100).collect();
                let wanted = Wanted {
                    product: product.id,
                    owner: user.id,
                    display_name: display_name.trim().to_owned(),
                    state,
                    terms: (!product.terms.is_empty()).then(|| product.terms.clone()),
                    expires_at: None,
                    comment: String::new(),
                };
                let name = format!("{}-{}", chance::name(numbers.seed ^ 1, self.subscribed), ids::slug(&product.name));
                let actor = Actor::User { id: user.id, display: user.display(), administrator: false };
                let id = SubscriptionId(signed(self.subscribed) + 1);
                found.push(PastSubscription { id, name, wanted, product: product.name.clone(), actor, created_at: opens });
                self.subscribed += 1;
            }
        }
        let many = found.len() as f64 + 1.0;
        for (nth, subscription) in found.iter_mut().enumerate() {
            subscription.created_at = instant(opens, closes, (nth as f64 + 1.0) / many);
        }
        found
    }
}

/// A first or last name, and how an address spells it.
fn part(chance: &mut Chance, language: &Language, words: &[&'static str]) -> (String, String) {
    let word = chance.pick(words).unwrap_or_default();
    let (name, spelling) = match word.split_once('=') {
        Some((name, spelling)) => (name, spelling.to_owned()),
        None => (word, ids::slug(word)),
    };
    let shape = chance.below(400);
    let mut name = name.to_owned();
    match shape {
        // One character, and a hundred.
        0 => name = name.chars().take(1).collect(),
        1 => {
            while name.chars().count() < 100 {
                name.push_str(if language.joint.is_empty() { "" } else { language.joint });
                name.push_str(chance.pick(words).and_then(|word| word.split('=').next()).unwrap_or_default());
            }
            name = name.chars().take(100).collect::<String>().trim_end().to_owned();
        }
        2..60 => {
            name.push_str(language.joint);
            name.push_str(chance.pick(words).and_then(|word| word.split('=').next()).unwrap_or_default());
        }
        _ => {}
    }
    (name, spelling)
}
