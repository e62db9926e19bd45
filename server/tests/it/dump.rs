//! Everything that the stores hold, to be compared before and after.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use sqlx::{AssertSqlSafe, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

/// The rows of each table, as text: `authority.handoff`.
pub type Dump = BTreeMap<String, BTreeSet<String>>;

/// Looks at a platform's databases from outside.
pub struct Watch {
    files: Vec<(String, SqliteConnection, i64)>,
    last: Dump,
}

impl Watch {
    pub async fn new(folder: &Path) -> Self {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "db") {
                continue;
            }
            let options = SqliteConnectOptions::new().filename(&path).read_only(true);
            let connection = SqliteConnection::connect_with(&options).await.unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            files.push((name, connection, -1));
        }
        assert!(files.len() >= 2, "one database a site");
        let mut watch = Self {
            files,
            last: Dump::new(),
        };
        watch.changes().await;
        watch
    }

    /// The tables that differ from what they were at the last call.
    pub async fn changes(&mut self) -> BTreeSet<String> {
        let mut changed = BTreeSet::new();
        for (name, connection, version) in &mut self.files {
            // Changes when another connection has committed something (SQLite's documentation of
            // this pragma).
            let now: i64 = sqlx::query_scalar("PRAGMA data_version")
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            if now == *version {
                continue;
            }
            *version = now;
            let tables: Vec<String> = sqlx::query_scalar(
                // That somebody tried to sign in is to be counted, whatever the form held.
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'attempt'
                 ORDER BY name",
            )
            .fetch_all(&mut *connection)
            .await
            .unwrap();
            for table in tables {
                let rows = rows(connection, &table).await;
                let key = format!("{name}.{table}");
                if self.last.get(&key) != Some(&rows) {
                    self.last.insert(key.clone(), rows);
                    changed.insert(key);
                }
            }
        }
        changed
    }

    /// All rows of all tables.
    pub fn all_rows(&self) -> impl Iterator<Item = &String> {
        self.last.values().flatten()
    }

    /// How many rows there are in all.
    pub fn rows(&self) -> usize {
        self.last.values().map(BTreeSet::len).sum()
    }
}

async fn rows(connection: &mut SqliteConnection, table: &str) -> BTreeSet<String> {
    let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
        .bind(table)
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    let quoted: Vec<_> = columns
        .iter()
        .map(|column| format!("'{column}=' || quote(\"{column}\")"))
        .collect();
    let sql = format!("SELECT {} FROM \"{table}\"", quoted.join(" || ' ' || "));
    let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    rows.into_iter().collect()
}
