//! Stored types: plain old data with 8-byte alignment, little-endian, without padding, so that an account's bytes are the
//! struct. 128-bit quantities are kept as two words, because a zero-copy account starts at offset 8.

/// Declares a stored struct: `#[repr(C)]`, plain old data, borsh with the same bytes, and (host only) its IDL.
macro_rules! stored {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable, borsh::BorshSerialize,
        )]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        // Its bytes are those of borsh, so reading it is a copy.
        impl borsh::BorshDeserialize for $name {
            fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
                let mut value = <Self as bytemuck::Zeroable>::zeroed();
                reader.read_exact(bytemuck::bytes_of_mut(&mut value))?;
                Ok(value)
            }
        }

        #[cfg(feature = "idl-build")]
        impl anchor_lang_idl::build::IdlBuild for $name {
            fn create_type() -> Option<anchor_lang_idl::types::IdlTypeDef> {
                let fields = vec![$($crate::layout::idl::field::<$type>(stringify!($field)),)*];
                Some($crate::layout::idl::definition::<Self>(anchor_lang_idl::types::IdlDefinedFields::Named(fields)))
            }
            fn insert_types(types: &mut std::collections::BTreeMap<String, anchor_lang_idl::types::IdlTypeDef>) {
                $(<$type as $crate::layout::idl::Described>::insert(types);)*
            }
            fn get_full_path() -> String {
                $crate::layout::idl::path::<Self>()
            }
        }

        #[cfg(feature = "idl-build")]
        impl $crate::layout::idl::Described for $name {
            fn idl_type() -> anchor_lang_idl::types::IdlType {
                $crate::layout::idl::defined::<Self>()
            }
            fn insert(types: &mut std::collections::BTreeMap<String, anchor_lang_idl::types::IdlTypeDef>) {
                $crate::layout::idl::insert::<Self>(types)
            }
        }
    };
}
pub(crate) use stored;

/// Gives a newtype its place in the IDL: a tuple of one primitive.
macro_rules! described_newtype {
    ($name:ident, $primitive:ident) => {
        #[cfg(feature = "idl-build")]
        impl anchor_lang_idl::build::IdlBuild for $name {
            fn create_type() -> Option<anchor_lang_idl::types::IdlTypeDef> {
                let inner = vec![anchor_lang_idl::types::IdlType::$primitive];
                Some($crate::layout::idl::definition::<Self>(anchor_lang_idl::types::IdlDefinedFields::Tuple(inner)))
            }
        }

        #[cfg(feature = "idl-build")]
        impl $crate::layout::idl::Described for $name {
            fn idl_type() -> anchor_lang_idl::types::IdlType {
                $crate::layout::idl::defined::<Self>()
            }
            fn insert(types: &mut std::collections::BTreeMap<String, anchor_lang_idl::types::IdlTypeDef>) {
                $crate::layout::idl::insert::<Self>(types)
            }
        }
    };
}
pub(crate) use described_newtype;

/// What the macros above need to describe stored types to Anchor's IDL.
#[cfg(feature = "idl-build")]
pub mod idl {
    use anchor_lang_idl::build::IdlBuild;
    use anchor_lang_idl::types::{
        IdlArrayLen, IdlDefinedFields, IdlField, IdlRepr, IdlReprModifier, IdlSerialization, IdlType, IdlTypeDef, IdlTypeDefTy,
    };
    use std::collections::BTreeMap;

    /// A type that can be a field of a stored struct.
    pub trait Described {
        /// Its type as the IDL names it.
        fn idl_type() -> IdlType;
        /// Adds its definition, if it needs one.
        fn insert(_types: &mut BTreeMap<String, IdlTypeDef>) {}
    }

    macro_rules! primitive {
        ($($type:ty => $variant:ident),*) => {
            $(impl Described for $type {
                fn idl_type() -> IdlType {
                    IdlType::$variant
                }
            })*
        };
    }
    primitive!(u8 => U8, u16 => U16, u32 => U32, u64 => U64, i64 => I64);

    impl<T: Described, const N: usize> Described for [T; N] {
        fn idl_type() -> IdlType {
            IdlType::Array(Box::new(T::idl_type()), IdlArrayLen::Value(N))
        }
        fn insert(types: &mut BTreeMap<String, IdlTypeDef>) {
            T::insert(types);
        }
    }

    /// The name in the IDL. Some of the engine's structs are the state inside the program's accounts of the same names, which the
    /// IDL must be able to tell apart.
    pub fn path<T>() -> String {
        let path = std::any::type_name::<T>();
        let is_state =
            ["::Market", "::Order", "::Position", "::Settlement", "::Withdrawal"].iter().any(|name| path.ends_with(name));
        format!("{path}{}", if is_state { "State" } else { "" })
    }

    /// One named field.
    pub fn field<T: Described>(name: &str) -> IdlField {
        IdlField { name: name.into(), docs: vec![], ty: T::idl_type() }
    }

    /// A reference to a defined type.
    pub fn defined<T: IdlBuild>() -> IdlType {
        IdlType::Defined { name: T::get_full_path(), generics: vec![] }
    }

    /// A definition laid out as stored.
    pub fn definition<T: IdlBuild>(fields: IdlDefinedFields) -> IdlTypeDef {
        IdlTypeDef {
            name: T::get_full_path(),
            docs: vec![],
            serialization: IdlSerialization::Bytemuck,
            repr: Some(IdlRepr::C(IdlReprModifier { packed: false, align: None })),
            generics: vec![],
            ty: IdlTypeDefTy::Struct { fields: Some(fields) },
        }
    }

    /// Adds a type and what it is made of.
    pub fn insert<T: IdlBuild>(types: &mut BTreeMap<String, IdlTypeDef>) {
        if let Some(definition) = T::create_type() {
            types.insert(T::get_full_path(), definition);
            T::insert_types(types);
        }
    }
}
