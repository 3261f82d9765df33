//! Chance that a seed decides: the same seed, subject and number always give the same draws (SplitMix64).

/// What is drawn for: each has draws of its own, so that more of one thing changes nothing about another.
#[derive(Clone, Copy)]
pub(super) enum About {
    Person = 1,
    Group,
    Api,
    Product,
    Member,
    Subscription,
}

pub(super) struct Chance(u64);

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl Chance {
    pub fn new(seed: u64, about: About, number: u64) -> Self {
        Self(mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ mix((about as u64) << 56 ^ number))
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 to below `end`; 0 when that is empty.
    pub fn below(&mut self, end: u64) -> u64 {
        // The upper half of the product is below `end`, so it fits.
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// `times` of a hundred.
    pub fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    pub fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> Option<&'a T> {
        from.get(self.index(from.len())).copied()
    }
}

/// A name for a URL that no other number has: 60 bits that the seed shuffles, in Crockford's base 32.
pub(super) fn name(seed: u64, number: u64) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    const BITS: u64 = (1 << 60) - 1;
    // Odd factors and shifts down can be turned back within 60 bits, so two numbers never meet.
    let mut bits = (number ^ mix(seed)) & BITS;
    bits = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) & BITS;
    bits ^= bits >> 31;
    bits = bits.wrapping_mul(0xbf58_476d_1ce4_e5b9) & BITS;
    bits ^= bits >> 29;
    (0..12).map(|place| char::from(ALPHABET[((bits >> (place * 5)) & 31) as usize])).collect()
}

/// Whether `number` is one of the `chosen` that are spread evenly over `all`.
pub(super) fn spread(number: u64, all: u64, chosen: u64) -> bool {
    let upto = |number: u64| u128::from(number) * u128::from(chosen) / u128::from(all.max(1));
    upto(number + 1) > upto(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_what_is_spread_is_exact() {
        let names: std::collections::HashSet<String> = (0..50_000).map(|number| name(7, number)).collect();
        assert_eq!(names.len(), 50_000);
        assert_ne!(name(7, 1), name(8, 1));
        for (all, chosen) in [(10, 3), (1_000, 500), (7, 7), (5, 0)] {
            assert_eq!((0..all).filter(|&number| spread(number, all, chosen)).count() as u64, chosen);
        }
    }

    #[test]
    fn draws_repeat() {
        let draw = |seed, number| Chance::new(seed, About::Person, number).below(1_000_000);
        assert_eq!(draw(1, 5), draw(1, 5));
        assert_ne!(draw(1, 5), draw(2, 5));
        assert_ne!(draw(1, 5), draw(1, 6));
        assert_eq!(Chance::new(1, About::Group, 0).below(0), 0);
    }
}
