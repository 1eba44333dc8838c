//! Quantities with a unit, as pipeline files write them.

/// The units of a quantity.
pub struct Units {
    /// Each unit with its size in the first one, in ascending order.
    pub sizes: &'static [(&'static str, u64)],
    /// The unit of zero.
    pub of_zero: &'static str,
    /// A description of all quantities, as in `a number and a unit of s or m`.
    pub wanted: &'static str,
}

impl Units {
    /// Reads a quantity, in the first unit.
    ///
    /// # Errors
    /// When `text` is not a whole number and a unit, or is too large for the type.
    pub fn parse<T: TryFrom<u64>>(&self, text: &str) -> Result<T, String> {
        let wrong = || format!("wanted {}, not {text:?}", self.wanted);
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(split);
        let (_, size) = self.sizes.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let quantity = number.checked_mul(*size).and_then(|all| T::try_from(all).ok());
        quantity.ok_or_else(wrong)
    }

    /// Writes a quantity in the largest unit in which it is a whole number.
    pub fn write(&self, quantity: impl Into<i128>) -> String {
        let quantity = quantity.into();
        let whole = |(_, size): &&(&str, u64)| quantity % i128::from(*size) == 0;
        match self.sizes.iter().rev().find(whole) {
            Some((unit, size)) if quantity != 0 => {
                format!("{}{unit}", quantity / i128::from(*size))
            }
            _ => format!("0{}", self.of_zero),
        }
    }
}
