//! The orders every bench decides, ours and our peers': the same sequence on every machine.
//!
//! Plain text fields, as an order arrives. Knows neither engine; standard library only, because packages with their own lock
//! files include this file by path.

/// Underlying of the one instrument the orders are in.
pub const UNDERLYING: &str = "AAPL";
/// Currency the instrument is quoted and settled in.
pub const SETTLEMENT: &str = "USD";
/// The one venue, where a service asks for it.
pub const VENUE: &str = "XNAS";
/// The account at the venue, where a service asks for it.
pub const ACCOUNT: &str = "main";
/// Price the orders are scattered around, at most 1 % away.
pub const REFERENCE_PRICE: &str = "187.5";
/// Smallest price step.
pub const TICK: &str = "0.01";
/// Largest quantity of an order.
pub const QUANTITY_MAX: &str = "100";
/// Buckets (accounts) unless a bench asks for another number.
pub const BUCKETS: usize = 1_000;

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Buy,
    Sell,
}

/// One limit order as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which of the buckets, from 0.
    pub bucket: usize,
    /// Never the same twice in one sequence, 22 bytes.
    pub cl_ord_id: String,
    pub side: Side,
    /// A whole number from 1 to [`QUANTITY_MAX`].
    pub quantity: String,
    /// On tick.
    pub price: String,
}

/// The endless sequence of orders over so many buckets, uniform, half buys and half sells.
pub struct Orders {
    state: u64,
    number: u64,
    buckets: u64,
}

impl Orders {
    /// The sequence from its beginning.
    pub fn over(buckets: usize) -> Self {
        Self {
            state: 0x0B01_4EAD,
            number: 0,
            buckets: u64::try_from(buckets).unwrap_or(u64::MAX).max(1),
        }
    }

    /// SplitMix64: good enough to scatter, the same everywhere.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random().checked_rem(bound).unwrap_or(0)
    }
}

impl Iterator for Orders {
    type Item = Order;

    fn next(&mut self) -> Option<Order> {
        self.number = self.number.wrapping_add(1);
        let bucket = self.below(self.buckets);
        let side = if self.below(2) == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        let quantity = self.below(100).wrapping_add(1);
        // 185.63 to 189.37, in cents.
        let cents = self.below(375).wrapping_add(18_563);
        Some(Order {
            bucket: usize::try_from(bucket).unwrap_or(0),
            cl_ord_id: format!("D1-20261122-{:010}", self.number),
            side,
            quantity: quantity.to_string(),
            price: format!("{}.{:02}", cents.wrapping_div(100), cents.wrapping_rem(100)),
        })
    }
}
