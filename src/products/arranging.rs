//! The order of products in the developer portal: those that were arranged, then the others by name. A change of it moves some
//! products and leaves the others in the order that they have.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database, Transaction, flag},
    error::Error,
    ids::{ProductId, fold},
};

/// A product in the order.
#[derive(Clone, Debug, Deserialize)]
pub struct Ordered {
    pub id: ProductId,
    pub name: String,
    pub display_name: String,
    #[serde(deserialize_with = "flag")]
    pub published: bool,
    position: Option<i64>,
}

impl Ordered {
    pub fn path(&self) -> String {
        format!("/publisher/products/{}", crate::ids::encode(&self.name))
    }
}

/// Where a product is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The first is 1; past the last is the last.
    At(i64),
    Up,
    Down,
}

/// What the audit log keeps: the products that were moved, each with its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderFacts {
    pub products: Vec<PlaceFacts>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceFacts {
    pub display_name: String,
    pub place: i64,
}

/// All products in their order, and the version of the order.
pub async fn order(connection: &mut Connection) -> Result<(Vec<Ordered>, i64), Error> {
    store::order(connection).await
}

/// Moves products, by their names, to their places; the moved ones as they are now. None are when all were there already.
///
/// # Errors
/// `Stale` when somebody else changed the order since this version.
pub async fn arrange(db: &Database, admin: &Administrator, version: i64, moves: &[(String, Place)]) -> Result<Vec<PlaceFacts>, Error> {
    let mut tx = db.write().await?;
    let moved = arrange_in(&mut tx, admin, version, moves).await?;
    if !moved.is_empty() {
        tx.commit().await?;
    }
    Ok(moved)
}

/// As `arrange`, in the caller's transaction.
pub async fn arrange_in(
    tx: &mut Transaction,
    admin: &Administrator,
    version: i64,
    moves: &[(String, Place)],
) -> Result<Vec<PlaceFacts>, Error> {
    // First, so that two at once do not both begin from the same order.
    if !store::next_order(tx, version).await? {
        return Err(Error::Stale);
    }
    let (products, _) = store::order(tx).await?;
    let known: HashMap<String, usize> = products.iter().enumerate().map(|(place, product)| (fold(&product.name), place)).collect();
    let moves: Vec<(usize, Place)> = moves.iter().filter_map(|(name, place)| Some((*known.get(&fold(name))?, *place))).collect();
    let sequence = moved(products.len(), &moves);
    if sequence.iter().enumerate().all(|(now, before)| now == *before) {
        return Ok(Vec::new());
    }
    for (position, product) in (1..).zip(&sequence[..arranged(&products, &sequence)]) {
        let product = &products[*product];
        if product.position != Some(position) {
            store::set_position(tx, product.id, position).await?;
        }
    }
    let place = |place: usize| i64::try_from(place + 1).unwrap_or(i64::MAX);
    let facts = |product: usize, at: usize| PlaceFacts { display_name: products[product].display_name.clone(), place: place(at) };
    let mut mine: Vec<usize> = moves.iter().map(|(product, _)| *product).collect();
    mine.sort_unstable();
    mine.dedup();
    let now = |product: usize| sequence.iter().position(|other| *other == product).unwrap_or(product);
    mine.retain(|product| now(*product) != *product);
    let before = OrderFacts { products: mine.iter().map(|product| facts(*product, *product)).collect() };
    let after = OrderFacts { products: mine.iter().map(|product| facts(*product, now(*product))).collect() };
    let portal = Subject { kind: "portal", key: None, display: "Portico".to_owned() };
    audit::record(tx, admin.actor(), "portal.products_arranged", portal, Some(before), Some(&after)).await?;
    Ok(after.products)
}

/// The places of `count` products as they are, in the order that the moves make of them: first to the places that were named, then a
/// step up or down.
fn moved(count: usize, moves: &[(usize, Place)]) -> Vec<usize> {
    let mut placed: Vec<(usize, usize)> = Vec::new();
    for (product, place) in moves {
        if let Place::At(place) = place {
            placed.retain(|(_, other)| other != product);
            placed.push((usize::try_from((*place).max(1) - 1).unwrap_or(usize::MAX), *product));
        }
    }
    // Of two with one number, the first that was named goes first.
    placed.sort_by_key(|(place, _)| *place);
    let mut sequence: Vec<usize> = (0..count).filter(|product| !placed.iter().any(|(_, placed)| placed == product)).collect();
    let mut least = 0;
    for (place, product) in placed {
        let place = place.max(least).min(sequence.len());
        sequence.insert(place, product);
        least = place + 1;
    }
    for (product, step) in moves {
        let Some(place) = sequence.iter().position(|other| other == product) else { continue };
        match step {
            Place::Up if place > 0 => sequence.swap(place, place - 1),
            Place::Down if place + 1 < sequence.len() => sequence.swap(place, place + 1),
            _ => {}
        }
    }
    sequence
}

/// How many of the sequence need a position: all up to the last that would not stand there by its name.
fn arranged(products: &[Ordered], sequence: &[usize]) -> usize {
    let mut needed = sequence.len();
    // Without a position they stand by name, which is the order that they are in.
    while needed > 0
        && products[sequence[needed - 1]].position.is_none()
        && sequence.get(needed).is_none_or(|next| sequence[needed - 1] < *next)
    {
        needed -= 1;
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_leave_the_others_in_their_order() {
        use Place::*;
        for (moves, expected) in [
            (vec![], [0, 1, 2, 3, 4]),
            (vec![(3, At(1))], [3, 0, 1, 2, 4]),
            (vec![(0, At(4))], [1, 2, 3, 0, 4]),
            (vec![(0, At(99))], [1, 2, 3, 4, 0]),
            (vec![(0, At(5)), (4, At(1))], [4, 1, 2, 3, 0]),
            (vec![(4, At(2)), (3, At(2))], [0, 4, 3, 1, 2]),
            (vec![(2, Up)], [0, 2, 1, 3, 4]),
            (vec![(2, Down)], [0, 1, 3, 2, 4]),
            (vec![(0, Up)], [0, 1, 2, 3, 4]),
            (vec![(4, Down)], [0, 1, 2, 3, 4]),
            (vec![(4, At(1)), (2, Up)], [4, 0, 2, 1, 3]),
        ] {
            assert_eq!(moved(5, &moves), expected, "{moves:?}");
        }
    }

    #[test]
    fn only_what_would_not_stand_there_by_name_gets_a_position() {
        let products = |positions: &[Option<i64>]| -> Vec<Ordered> {
            let product = |position: &Option<i64>| Ordered {
                id: ProductId(1),
                name: String::new(),
                display_name: String::new(),
                published: true,
                position: *position,
            };
            positions.iter().map(product).collect()
        };
        assert_eq!(arranged(&products(&[None; 5]), &[0, 1, 2, 3, 4]), 0);
        assert_eq!(arranged(&products(&[None; 5]), &[3, 0, 1, 2, 4]), 1);
        assert_eq!(arranged(&products(&[None; 5]), &[1, 2, 3, 0, 4]), 3);
        assert_eq!(arranged(&products(&[None; 5]), &[1, 2, 3, 4, 0]), 4);
        assert_eq!(arranged(&products(&[Some(1), Some(2), None, None]), &[1, 0, 2, 3]), 2);
        assert_eq!(arranged(&products(&[Some(1), None, None]), &[1, 2, 0]), 3);
    }
}
