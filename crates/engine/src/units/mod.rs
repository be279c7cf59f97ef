//! Quantities as types with private insides. Only the products that mean something compile.

mod btc;
mod index;
mod price;
mod ratio;
mod time;
mod usd;

pub use btc::{FineSats, Sats, SignedSats, MAX_VALUE};
pub use index::{Basis, CostIndex, ExitIndex, Exposure, Scale, Shares, Value};
pub use price::{Confidence, Price};
pub use ratio::{Bps, Ppb, PpbPerDay};
pub use time::{Seconds, UnixTime};
pub use usd::{Notional, DOLLAR, MAX_NOTIONAL};

/// A quantity kept in one machine word.
macro_rules! word {
    ($(#[$meta:meta])* $name:ident, $word:ident, $idl:ident) => {
        $(#[$meta])*
        #[repr(transparent)]
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, bytemuck::Pod, bytemuck::Zeroable,
            borsh::BorshSerialize, borsh::BorshDeserialize,
        )]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name($word);

        impl $name {
            /// None of it.
            pub const ZERO: Self = Self(0);

            /// From the raw integer, in the type's unit.
            #[inline(always)]
            pub const fn new(raw: $word) -> Self {
                Self(raw)
            }

            /// The raw integer, in the type's unit.
            #[inline(always)]
            pub const fn get(self) -> $word {
                self.0
            }

            /// Whether there is none of it.
            #[inline(always)]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// Sum. Errors: `Overflow`.
            #[inline(always)]
            pub fn plus(self, other: Self) -> crate::errors::Result<Self> {
                self.0.checked_add(other.0).map(Self).ok_or(crate::errors::Error::Overflow)
            }

            /// Difference. Errors: `Overflow` where it leaves the range (below zero, for an unsigned quantity).
            #[inline(always)]
            pub fn minus(self, other: Self) -> crate::errors::Result<Self> {
                self.0.checked_sub(other.0).map(Self).ok_or(crate::errors::Error::Overflow)
            }
        }

        crate::layout::described_newtype!($name, $idl);
    };
}
pub(crate) use word;

/// A quantity kept in two machine words, so that it needs no 16-byte alignment.
macro_rules! double_word {
    ($(#[$meta:meta])* $name:ident, $wide:ident, $idl:ident) => {
        $(#[$meta])*
        #[repr(transparent)]
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable,
            borsh::BorshSerialize, borsh::BorshDeserialize,
        )]
        pub struct $name([u64; 2]);

        impl $name {
            /// None of it.
            pub const ZERO: Self = Self([0; 2]);

            /// From the raw integer, in the type's unit.
            #[inline(always)]
            pub fn new(raw: $wide) -> Self {
                Self(bytemuck::cast(raw))
            }

            /// The raw integer, in the type's unit.
            #[inline(always)]
            pub fn get(self) -> $wide {
                bytemuck::cast(self.0)
            }

            /// Whether there is none of it.
            #[inline(always)]
            pub fn is_zero(self) -> bool {
                self == Self::ZERO
            }

            /// Sum. Errors: `Overflow`.
            #[inline(always)]
            pub fn plus(self, other: Self) -> crate::errors::Result<Self> {
                self.get().checked_add(other.get()).map(Self::new).ok_or(crate::errors::Error::Overflow)
            }

            /// Difference. Errors: `Overflow`.
            #[inline(always)]
            pub fn minus(self, other: Self) -> crate::errors::Result<Self> {
                self.get().checked_sub(other.get()).map(Self::new).ok_or(crate::errors::Error::Overflow)
            }
        }

        /// As text in decimal: most readers of JSON have no integer of this width.
        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> core::result::Result<S::Ok, S::Error> {
                serializer.collect_str(&self.get())
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> core::result::Result<Self, D::Error> {
                struct Decimal;
                impl serde::de::Visitor<'_> for Decimal {
                    type Value = $name;
                    fn expecting(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                        formatter.write_str(concat!("text of a whole number in decimal that fits ", stringify!($wide)))
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> core::result::Result<$name, E> {
                        text.parse().map($name::new).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Decimal)
            }
        }

        crate::layout::described_newtype!($name, $idl);
    };
}
pub(crate) use double_word;
