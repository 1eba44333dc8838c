//! From the bytes of a message to columns.

use crate::{Columns, DecodeError, Schema};

mod classes;
mod names;
mod table;

pub use self::csv::{Delimiter, DelimiterError};
pub use self::image::{ImageLabel, ImageShape, ShapeError};
pub use self::png::{Keyword, PngError, PngShape};
pub use classes::Classes;
pub use names::{NameError, Names};

/// What a `[codec.…]` table builds.
pub trait CodecConfig {
    /// Shape and type of the features this codec yields.
    fn schema(&self) -> Schema;

    /// The decoder.
    ///
    /// # Panics
    /// When [`check`](Self::check) has something to say.
    fn init(&self) -> Box<dyn Codec>;

    /// What is wrong with the table beyond what its types refuse, as `(key, problem)`.
    fn check(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// Decodes messages straight into columns.
pub trait Codec: Send {
    /// Appends the sample in `payload` to `columns`.
    ///
    /// # Errors
    /// When the bytes are not a sample; `columns` is then as before.
    fn decode(&mut self, payload: &[u8], columns: &mut Columns) -> Result<(), DecodeError>;

    /// Encodes row `row` of `columns` as this codec would read it.
    ///
    /// What the table does not name, a time for instance, is left out.
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
