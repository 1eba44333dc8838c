//! Keys of the pipeline file that are set on the command line.

use std::str::FromStr;

use toml_edit::{DocumentMut, Item, Key, Table, Value};

/// A key of the pipeline file that is set on the command line: `source.kafka.brokers=host:9092`.
#[derive(Clone, Debug)]
pub struct Override {
    path: Vec<String>,
    value: Value,
}

impl FromStr for Override {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, value) =
            text.split_once('=').ok_or_else(|| format!("wanted key.path=value, not `{text}`"))?;
        // keys that contain dots are quoted, as in the file.
        let keys = Key::parse(path.trim()).map_err(|_| {
            format!("`{path}` is not a key: wanted table.key, or table.\"key.with.dots\"")
        })?;
        let path = keys.iter().map(|key| key.get().to_owned()).collect();
        // other values than TOML are strings, because shells remove quotes.
        let value = Value::from_str(value.trim()).unwrap_or_else(|_| Value::from(value.trim()));
        Ok(Self { path, value })
    }
}

impl Override {
    /// Sets the key in `document`.
    ///
    /// # Errors
    /// When a key on the path is not a table.
    pub(super) fn apply(&self, document: &mut DocumentMut) -> Result<(), String> {
        let (last, tables) = self.path.split_last().expect("a path has a key");
        let mut item: &mut Item = document.as_item_mut();
        for key in tables {
            let implicit = || {
                let mut table = Table::new();
                table.set_implicit(true);
                Item::Table(table)
            };
            let table = item
                .as_table_like_mut()
                .ok_or_else(|| format!("cannot set `{}`: not a table", self.path.join(".")))?;
            item = table.entry(key).or_insert_with(implicit);
        }
        let table = item
            .as_table_like_mut()
            .ok_or_else(|| format!("cannot set `{}`: not a table", self.path.join(".")))?;
        table.insert(last, Item::Value(self.value.clone()));
        Ok(())
    }
}
