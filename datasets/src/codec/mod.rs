//! Codecs, which decode the bytes of a message into columns and encode them again.

use crate::{Columns, DecodeError, Schema};

mod classes;
mod names;
mod table;
#[cfg(test)]
mod test_support;

pub use self::csv::{Delimiter, DelimiterError};
pub use self::image::{ImageLabel, ImageShape, ShapeError};
pub use self::png::{Keyword, PngError, PngShape};
pub use classes::Classes;
pub use names::{NameError, Names};

/// The configuration of a codec: a `[codec.…]` table.
pub trait CodecConfig {
    /// Shape and type of the features that this codec decodes.
    fn schema(&self) -> Schema;

    /// Creates the codec.
    ///
    /// # Panics
    /// When [`check`](Self::check) finds a problem.
    fn init(&self) -> Box<dyn Codec>;

    /// The column of the label, if there is one.
    fn label(&self) -> Option<&str> {
        None
    }

    /// The names of the columns in a message, where messages have names.
    fn names(&self, _payload: &[u8]) -> Vec<String> {
        Vec::new()
    }

    /// Whether messages can state their event time.
    fn states_time(&self) -> bool {
        false
    }

    /// Problems of the table that its types cannot detect, as `(key, problem)`.
    fn check(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// Decodes messages straight into columns and encodes rows of columns as messages.
pub trait Codec: Send {
    /// Appends the sample in `payload` to `columns`.
    ///
    /// # Errors
    /// When the bytes are not a sample; `columns` is then unchanged.
    fn decode(&mut self, payload: &[u8], columns: &mut Columns) -> Result<(), DecodeError>;

    /// Encodes row `row` of `columns` as a message that [`decode`](Self::decode) reads.
    ///
    /// Columns that the table does not name, such as the event time, are left out.
    fn encode(&self, columns: &Columns, row: usize) -> Vec<u8>;
}

driftmill_registry::one_of! {
    /// The `[codec]` table of a pipeline file.
    #[derive(schemars::JsonSchema)]
    CodecTable: dyn CodecConfig {
        json: Json,
        csv: Csv,
        image: Image,
        png: Png,
    }
}
