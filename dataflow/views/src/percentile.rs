//! Percentiles by nearest rank: the ⌈q·n⌉-th smallest of n (semantics, section 4).

/// The place, from 0, of the percentile in a sorted list of `count`; none of an empty one.
pub fn nearest_rank(count: usize, percent: usize) -> Option<usize> {
    (count * percent).div_ceil(100).checked_sub(1)
}

/// The 50th, 90th and 99th percentile of sorted values with how often each is there; none without
/// any value.
pub fn nearest_ranks<'v>(
    values: impl IntoIterator<Item = (&'v i64, usize)> + Clone,
) -> [Option<i64>; 3] {
    let count = values.clone().into_iter().map(|(_, times)| times).sum();
    let places = [50, 90, 99].map(|percent| nearest_rank(count, percent));
    let mut percentiles = [None; 3];
    let (mut below, mut next) = (0, 0);
    for (value, times) in values {
        below += times;
        while next < places.len() && places[next].is_some_and(|place| place < below) {
            percentiles[next] = Some(*value);
            next += 1;
        }
    }
    percentiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_values_of_the_list_by_rank() {
        let values: Vec<i64> = (1..=200).collect();
        for n in 1..=200_usize {
            let rank = |percent: usize| Some((percent * n).div_ceil(100) as i64);
            let found = nearest_ranks(values[..n].iter().map(|value| (value, 1)));
            assert_eq!(found, [rank(50), rank(90), rank(99)]);
        }
        assert_eq!(nearest_ranks([(&-5, 3), (&7, 97)]), [Some(7); 3]);
        assert_eq!(
            nearest_ranks([(&-5, 50), (&7, 50)]),
            [Some(-5), Some(7), Some(7)]
        );
        assert_eq!(nearest_ranks([]), [None; 3]);
    }
}
