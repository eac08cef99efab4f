//! How the tiles of a plan are shared out over processes.

/// The tiles of a plan that a process carries out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// All.
    All,
    /// One part of several, from 1.
    Part {
        /// Its number.
        number: usize,
        /// How many parts there are.
        of: usize,
    },
    /// The tile of this name, of every output.
    One(String),
}

impl std::str::FromStr for Share {
    type Err = String;

    /// `3/40`: the third of forty parts.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no part; expected one such as 3/40, from 1/40 to 40/40");
        let (number, of) = text.split_once('/').ok_or_else(wrong)?;
        let number: usize = number.parse().map_err(|_| wrong())?;
        let of: usize = of.parse().map_err(|_| wrong())?;
        if of < 1 {
            return Err(wrong());
        }
        if number < 1 || number > of {
            return Err(format!("there is no part {number} of {of}; expected 1/{of} to {of}/{of}"));
        }
        Ok(Self::Part { number, of })
    }
}

/// The part of each tile, from 0, so that all parts cost about the same: the costliest tile first, each to the part that
/// has the least so far (longest processing time first, Graham 1969: no part gets more than 4/3 of what is needed). It
/// depends on the costs alone, so that all processes share out alike.
pub fn shares(costs: &[u64], parts: usize) -> Vec<usize> {
    let mut by_cost: Vec<usize> = (0..costs.len()).collect();
    by_cost.sort_by_key(|tile| (std::cmp::Reverse(costs[*tile]), *tile));
    // A part beyond the number of tiles gets none.
    let mut loads: std::collections::BTreeSet<(u64, usize)> =
        (0..parts.min(costs.len())).map(|part| (0, part)).collect();
    let mut shares = vec![0; costs.len()];
    for tile in by_cost {
        if let Some((load, part)) = loads.pop_first() {
            shares[tile] = part;
            loads.insert((load + costs[tile], part));
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cost_about_the_same_and_every_tile_is_in_one() {
        let costs: Vec<u64> = (0..200).map(|i| 1000 + (i * 7919 % 613) * 10).collect();
        for parts in [1, 3, 7, 40] {
            let shares = shares(&costs, parts);
            let load = |part| -> u64 {
                shares.iter().zip(&costs).filter(|(s, _)| **s == part).map(|(_, cost)| cost).sum()
            };
            let loads: Vec<u64> = (0..parts).map(load).collect();
            assert_eq!(loads.iter().sum::<u64>(), costs.iter().sum::<u64>());
            let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
            assert!(*most as f64 <= 1.1 * *least as f64, "{parts}: {least} to {most}");
        }
        // By cost, not by count.
        assert_eq!(shares(&[1, 1, 1, 9], 2), [1, 1, 1, 0]);
        assert_eq!(shares(&[5, 5], 4), [0, 1]);
        assert!(shares(&[], 3).is_empty());
    }

    #[test]
    fn a_part_is_a_number_of_a_number() {
        assert_eq!("3/40".parse(), Ok(Share::Part { number: 3, of: 40 }));
        for wrong in ["", "3", "3/", "/4", "a/b", "-1/3", "3/4/5", "99999999999999999999/2", "1/0"] {
            assert!(wrong.parse::<Share>().unwrap_err().contains("expected one such as 3/40"), "{wrong}");
        }
        for wrong in ["0/4", "5/4"] {
            assert!(wrong.parse::<Share>().unwrap_err().contains("there is no part"), "{wrong}");
        }
    }
}
