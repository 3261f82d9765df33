//! Arbitrary bytes, and good documents with a piece changed, never panic.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::{operation_name, read};
use super::formats::{SWAGGER, YAML};

fn no_panic(bytes: &[u8]) {
    if let Ok(description) = read(bytes) {
        let mut taken = HashSet::new();
        for operation in &description.operations {
            let name = operation_name(operation, &mut taken);
            assert!((1..=80).contains(&name.len()) && name.is_ascii(), "{name}");
            assert!(operation.display_name().chars().count() <= 300);
        }
        assert!(!description.title.is_empty());
    }
}

fn fixture() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(SWAGGER), Just(YAML)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        no_panic(&bytes);
    }

    #[test]
    fn arbitrary_text_of_the_notations(text in "[-{}\\[\\]:,&*a#!|>'\"\\\\ \\n0.~<$]{0,200}") {
        no_panic(text.as_bytes());
    }

    #[test]
    fn a_fixture_with_bytes_changed(
        text in fixture(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        no_panic(&bytes);
    }

    #[test]
    fn a_fixture_with_a_piece_moved(
        text in fixture(),
        from in any::<prop::sample::Index>(),
        length in 0_usize..80,
        to in any::<prop::sample::Index>(),
    ) {
        let mut bytes = text.as_bytes().to_vec();
        let from = from.index(bytes.len());
        let piece: Vec<u8> = bytes.iter().skip(from).take(length).copied().collect();
        let to = to.index(bytes.len());
        bytes.splice(to..to, piece);
        no_panic(&bytes);
    }

    /// Any value of a good document replaced by any other of its values: well-formed nonsense.
    #[test]
    fn a_fixture_with_values_exchanged(
        text in fixture(),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
    ) {
        let (mut tree, _) = super::super::load::load(text.as_bytes()).expect("a fixture");
        for (from, to) in swaps {
            let mut places = Vec::new();
            pointers(&tree, "", &mut places);
            let value = tree.pointer(&places[from.index(places.len())]).cloned();
            let target = tree.pointer_mut(&places[to.index(places.len())]);
            if let (Some(value), Some(target)) = (value, target) {
                *target = value;
            }
        }
        no_panic(&serde_json::to_vec(&tree).expect("JSON"));
    }
}

fn pointers(value: &serde_json::Value, here: &str, into: &mut Vec<String>) {
    into.push(here.to_owned());
    let mut below = |key: &str, value: &serde_json::Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        pointers(value, &format!("{here}/{key}"), into);
    };
    match value {
        serde_json::Value::Object(map) => map.iter().for_each(|(key, value)| below(key, value)),
        serde_json::Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| below(&at.to_string(), value));
        }
        _ => {}
    }
}
