//! A helper of the codecs' tests.

use serde::de::DeserializeOwned;

use super::CodecConfig;
use crate::Columns;

/// Decodes one message with the codec of `table`; an error is returned as its text.
pub(super) fn decode_one<C: CodecConfig + DeserializeOwned>(
    table: &str,
    message: &[u8],
) -> Result<Columns, String> {
    let config: C = toml::from_str(table).map_err(|error| error.to_string())?;
    let mut columns = Columns::new(config.schema());
    config.init().decode(message, &mut columns).map_err(|error| error.to_string())?;
    Ok(columns)
}
