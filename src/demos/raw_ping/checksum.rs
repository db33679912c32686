//! The internet checksum, which IPv4, ICMP, TCP and UDP share, worked out step by step.

// ANCHOR: checksum
/// The internet checksum (RFC 1071), with the steps that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The bytes, two by two. An odd one at the end has a zero beside it.
    pub words: Vec<u16>,
    /// All words added up.
    pub sum: u32,
    /// Each time that something stood above the lower 16 bits and was added to them.
    pub folds: Vec<Fold>,
    /// What is left in 16 bits.
    pub folded: u16,
    /// Its complement: every bit turned over.
    pub checksum: u16,
}

/// One carry, brought round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    /// What stood above 16 bits.
    pub carry: u32,
    /// The lower 16 bits.
    pub low: u32,
}

impl Checksum {
    /// Works it out over `bytes`. Over bytes that hold their checksum already, `folded` is 0xffff if they are intact.
    pub fn of(bytes: &[u8]) -> Self {
        let word = |pair: &[u8]| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        let words: Vec<u16> = bytes.chunks(2).map(word).collect();
        let sum = words.iter().map(|&word| u32::from(word)).sum();
        let (mut left, mut folds) = (sum, Vec::new());
        let folded = loop {
            if let Ok(folded) = u16::try_from(left) {
                break folded;
            }
            let fold = Fold { carry: left >> 16, low: left & 0xffff };
            left = fold.low + fold.carry;
            folds.push(fold);
        };
        Self { words, sum, folds, folded, checksum: !folded }
    }
}

/// Whether the checksum in `bytes` fits them.
pub fn is_intact(bytes: &[u8]) -> bool {
    Checksum::of(bytes).folded == u16::MAX
}
// ANCHOR_END: checksum

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// The example of RFC 1071, section 3.
    #[test]
    fn the_example_of_the_rfc() {
        let checksum = Checksum::of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(checksum.words, [0x0001, 0xf203, 0xf4f5, 0xf6f7]);
        assert_eq!(checksum.sum, 0x2ddf0);
        assert_eq!(checksum.folds, [Fold { carry: 2, low: 0xddf0 }]);
        assert_eq!((checksum.folded, checksum.checksum), (0xddf2, 0x220d));
    }

    #[test]
    fn a_carry_may_bring_another() {
        let checksum = Checksum::of(&[0xff, 0xff, 0xff, 0xff, 0x00, 0x01]);
        let folds = [Fold { carry: 1, low: 0xffff }, Fold { carry: 1, low: 0 }];
        assert_eq!((checksum.sum, &checksum.folds[..]), (0x1ffff, &folds[..]));
        assert_eq!((checksum.folded, checksum.checksum), (1, 0xfffe));
    }

    #[test]
    fn an_odd_byte_is_the_high_one_of_its_word() {
        assert_eq!(Checksum::of(&[0x12, 0x34, 0x56]).words, [0x1234, 0x5600]);
        assert_eq!(Checksum::of(&[]).checksum, 0xffff);
    }

    proptest! {
        #[test]
        fn the_steps_lead_to_the_checksum(bytes in vec(any::<u8>(), 0..2048)) {
            let steps = Checksum::of(&bytes);
            let sum: u64 = steps.words.iter().map(|&word| u64::from(word)).sum();
            prop_assert_eq!(u64::from(steps.sum), sum);
            // Bringing carries round is arithmetic modulo 0xffff, in which 0xffff stands for 0.
            prop_assert_eq!(u64::from(steps.folded) % 0xffff, sum % 0xffff);
            prop_assert_eq!(steps.folded == 0, sum == 0);
            prop_assert_eq!(steps.folded ^ steps.checksum, 0xffff);
        }
    }
}
