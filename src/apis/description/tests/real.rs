//! Descriptions that others publish, when the folder with them is there.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::load::load;
use super::super::read;

fn files() -> Vec<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = [here.join("../shared/openapi"), here.join("../../shared/openapi")];
    let entries = folder.iter().find_map(|folder| std::fs::read_dir(folder).ok());
    let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let known = |path: &PathBuf| path.extension().is_some_and(|end| end == "json" || end == "yaml");
    paths.filter(known).collect()
}

/// Method keys under paths, counted without any of the reader's rules.
fn naive_count(bytes: &[u8]) -> usize {
    let (tree, _) = load(bytes).expect("a tree");
    let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    let items = tree["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let keys = items.filter_map(Value::as_object).flat_map(|item| item.keys());
    keys.filter(|key| methods.contains(&key.as_str())).count()
}

#[test]
fn every_published_description_is_read_whole() {
    for path in files() {
        let bytes = std::fs::read(&path).expect("a readable file");
        let started = Instant::now();
        let description = read(&bytes).unwrap_or_else(|refusal| panic!("{path:?}: {refusal}"));
        let took = started.elapsed();
        assert!(!description.title.is_empty() && !description.operations.is_empty(), "{path:?}");
        assert_eq!(description.operations.len(), naive_count(&bytes), "{path:?}");
        let stored = serde_json::to_string(&description).expect("JSON");
        let back: super::Description = serde_json::from_str(&stored).expect("a model");
        assert_eq!(back, description, "{path:?}: stored and read again");
        assert!(took < Duration::from_secs(5), "{path:?}: {took:?}");
        let operations = description.operations.iter();
        let schemas = operations
            .flat_map(|operation| &operation.detail.responses)
            .flat_map(|response| &response.content)
            .filter_map(|content| content.schema.as_ref());
        assert!(schemas.clone().count() > 0, "{path:?}: no schema was found");
        assert!(schemas.clone().all(|schema| schema.summary != "any"), "{path:?}");
    }
}

#[test]
fn every_published_description_is_written_and_read_again() {
    for path in files() {
        let bytes = std::fs::read(&path).expect("a readable file");
        super::export::comes_back(&bytes, &path.display().to_string());
    }
}
