//! The groups in memory, for lists that name many of them and menus that offer all. They are counted with the catalogue, whose version
//! every signed-in reader's request brings.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use serde::Deserialize;
use tokio::sync::Mutex;

use super::store;
use crate::{
    auth::Standing,
    db::Database,
    error::Error,
    ids::{self, GroupId},
};

/// A group as a badge, a menu's button or a filter's choice.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GroupMark {
    pub id: GroupId,
    pub name: String,
    pub display_name: String,
    /// `system`, `custom` or `external`.
    pub kind: String,
}

impl GroupMark {
    pub fn path(&self) -> String {
        format!("/publisher/groups/{}", ids::encode(&self.name))
    }

    pub fn is_custom(&self) -> bool {
        self.kind == "custom"
    }
}

/// The groups there were at a version.
#[derive(Debug, Default)]
pub struct Directory {
    version: i64,
    /// By name within their type: system, external, custom.
    groups: Vec<Arc<GroupMark>>,
    places: HashMap<GroupId, usize>,
    names: HashMap<String, usize>,
    display_names: HashMap<String, usize>,
}

impl Directory {
    fn of(version: i64, groups: Vec<GroupMark>) -> Self {
        let of = |key: fn(&GroupMark) -> &str| groups.iter().enumerate().map(|(place, group)| (ids::fold(key(group)), place)).collect();
        Self {
            version,
            places: groups.iter().enumerate().map(|(place, group)| (group.id, place)).collect(),
            names: of(|group| &group.name),
            display_names: of(|group| &group.display_name),
            groups: groups.into_iter().map(Arc::new).collect(),
        }
    }

    /// These groups, each once, in order.
    pub fn in_order(&self, groups: impl Iterator<Item = GroupId>) -> Vec<Arc<GroupMark>> {
        let places: BTreeSet<usize> = groups.filter_map(|group| self.places.get(&group).copied()).collect();
        places.into_iter().map(|place| self.groups[place].clone()).collect()
    }

    /// The group that is meant by a name, as addresses have it, or by a display name, as people type it.
    pub fn find(&self, words: &str) -> Option<&Arc<GroupMark>> {
        let words = ids::fold(words);
        self.names.get(&words).or_else(|| self.display_names.get(&words)).map(|place| &self.groups[*place])
    }

    pub fn custom(&self) -> impl Iterator<Item = &Arc<GroupMark>> {
        self.groups.iter().filter(|group| group.is_custom())
    }

    /// System and external ones.
    pub fn others(&self) -> impl Iterator<Item = &Arc<GroupMark>> {
        self.groups.iter().filter(|group| !group.is_custom())
    }
}

/// Keeps the newest directory.
#[derive(Default)]
pub struct Memory {
    kept: RwLock<Arc<Directory>>,
    /// One at a time reads it anew; the others wait for what it reads.
    reading: Mutex<()>,
}

impl Memory {
    /// The groups for this reader, who sees what was changed before the request.
    pub async fn current(&self, db: &Database, standing: &Standing) -> Result<Arc<Directory>, Error> {
        let usable = || Some(self.kept()).filter(|kept| kept.version >= standing.catalog_version());
        if let Some(kept) = usable() {
            return Ok(kept);
        }
        let _alone = self.reading.lock().await;
        if let Some(kept) = usable() {
            return Ok(kept);
        }
        let (version, groups) = store::directory(&mut db.read().await?).await?;
        let directory = Arc::new(Directory::of(version, groups));
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = directory.clone();
        Ok(directory)
    }

    fn kept(&self) -> Arc<Directory> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
