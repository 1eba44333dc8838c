//! Tables of the components that a pipeline file can contain.
//!
//! A component is one file and one line: the file holds a configuration struct that implements the
//! kind's trait, the line `file: Config` in the kind's table does the rest. The smallest table that
//! is accepted is in the line, as in `file: Config = ""`, or at the beginning of the file, as
//! `pub(super) const EXAMPLE: &str`.

/// An entry of a table: the key in pipeline files and an example of the keys below it.
pub type Entry = (&'static str, &'static str);

/// Registers components of which a pipeline has exactly one. Defines an enum.
///
/// The enum dereferences to the kind's trait and lists itself in `CATALOG`.
#[macro_export]
macro_rules! one_of {
    ($(#[$meta:meta])* $Kind:ident: dyn $Trait:ident {
        $($file:ident: $Config:ident $(= $example:literal)?,)+
    }) => {
        $(mod $file; pub use $file::$Config;)+

        $crate::one_of! { @table $(#[$meta])* $Kind: dyn $Trait {
            $($file: $Config = $crate::one_of!(@example $file $($example)?),)+
        } }
    };
    ($(#[$meta:meta])* $Kind:ident: dyn $Trait:ident {
        $($folder:ident { $($file:ident: $Config:ident $(= $example:literal)?,)+ })+
    }) => {
        $(mod $folder; $(pub use $folder::$file::$Config;)+)+

        $crate::one_of! { @table $(#[$meta])* $Kind: dyn $Trait {
            $($($file: $Config = $crate::one_of!(@example $folder::$file $($example)?),)+)+
        } }
    };
    (@example $($module:ident)::+ $example:literal) => { $example };
    (@example $($module:ident)::+) => { $($module)::+::EXAMPLE };
    (@table $(#[$meta:meta])* $Kind:ident: dyn $Trait:ident {
        $($file:ident: $Config:ident = $EXAMPLE:expr,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[expect(non_camel_case_types, missing_docs, reason = "variants are the keys of pipeline files")]
        pub enum $Kind { $($file($Config),)+ }

        impl $Kind {
            /// Every key of this table, with an example of the keys below it.
            pub const CATALOG: &[$crate::Entry] = &[$((stringify!($file), $EXAMPLE)),+];

            /// The key of this component in pipeline files.
            pub fn key(&self) -> &'static str {
                match self { $(Self::$file(_) => stringify!($file),)+ }
            }
        }

        impl std::ops::Deref for $Kind {
            type Target = dyn $Trait;

            fn deref(&self) -> &Self::Target {
                match self { $(Self::$file(config) => config,)+ }
            }
        }
    };
}

/// Registers components of which a pipeline has any number. Defines a struct of optional tables.
#[macro_export]
macro_rules! any_of {
    ($(#[$meta:meta])* $Kind:ident: dyn $Trait:ident { $($file:ident: $Config:ident,)+ }) => {
        $(mod $file; pub use $file::$Config;)+

        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "fields are the keys of pipeline files")]
        pub struct $Kind {
            $(#[serde(default, skip_serializing_if = "Option::is_none")] pub $file: Option<$Config>,)+
        }

        impl $Kind {
            /// Every key of this table, with an example of the keys below it.
            pub const CATALOG: &[$crate::Entry] = &[$((stringify!($file), $file::EXAMPLE)),+];

            /// The components that the pipeline names, in the table's order.
            pub fn named(&self) -> Vec<(&'static str, &dyn $Trait)> {
                let mut found: Vec<(&'static str, &dyn $Trait)> = Vec::new();
                $(if let Some(config) = &self.$file { found.push((stringify!($file), config)); })+
                found
            }
        }
    };
}
