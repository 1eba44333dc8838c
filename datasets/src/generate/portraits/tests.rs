//! Tests of the portraits against the definition of their trends.

use super::*;

/// The years of the definition, with ten times as many samples.
fn sharp() -> Portraits {
    Portraits {
        change: Change([1969, 1974]),
        scale: 10.0.try_into().unwrap(),
        ..Portraits::default()
    }
}

/// Percentage of the sitters of year `year` that the exact rule of the start of year `rule` classifies right.
fn accuracy(config: &Portraits, rule: u16, year: u16) -> f64 {
    let mut generator = config.generator();
    let rule = generator.trends.at(rule.into());
    let place = usize::from(year - YEARS.start);
    let range = generator.firsts[place]..generator.firsts[place + 1];
    let count = number(range.end - range.start);
    let right = range.filter(|&index| {
        let sitter = generator.portrait(index).sitter;
        let cues = sitter.cues.iter().zip(rule.mean).zip(rule.distance);
        let side: f64 = cues.map(|((cue, mean), distance)| (cue - mean) * distance).sum();
        u32::from(side > 0.0) == sitter.class
    });
    100.0 * number(right.count() as u64) / count
}

#[test]
fn exact_rules_are_as_accurate_as_defined() {
    let table: [(u16, u16, f64); 12] = [
        (1930, 1930, 98.0),
        (1930, 1950, 94.0),
        (1930, 1980, 54.0),
        (1950, 1960, 97.0),
        (1950, 2010, 74.0),
        (1960, 1990, 63.0),
        (1970, 1940, 88.0),
        (1970, 2000, 85.0),
        (1980, 1960, 70.0),
        (1990, 1930, 58.0),
        (2000, 2010, 97.0),
        (2010, 2010, 98.0),
    ];
    for (rule, year, defined) in table {
        let found = accuracy(&sharp(), rule, year);
        assert!((found - defined).abs() < 2.0, "{rule} in {year}: {found}, defined {defined}");
    }
}

#[test]
fn years_have_their_samples_and_balanced_classes() {
    let config = Portraits::default();
    let firsts = config.firsts();
    assert_eq!((firsts[1], firsts[84] - firsts[83]), (280, 510));
    assert_eq!(config.len(), 33_180);

    let (mut generator, mut columns) = (config.generator(), Columns::new(config.schema()));
    for (place, year) in YEARS.enumerate().step_by(20) {
        columns.clear();
        generator.fill(firsts[place]..firsts[place + 1], &mut columns);
        let inside = |time: &Option<i64>| {
            (new_year(year)..new_year(year + 1)).contains(&time.expect("each has a time"))
        };
        assert!(columns.times.iter().all(inside), "{year}");
        let ones = columns.labels.iter().filter(|label| **label == Some(1)).count();
        // four standard deviations of a fair coin.
        let count = number(columns.len() as u64);
        assert!((number(ones as u64) - count / 2.0).abs() < 2.0 * count.sqrt(), "{year}: {ones}");
    }
}

#[test]
fn the_direction_turns_fast_only_during_the_change() {
    let trends = Trends::new([1969.0, 1974.0]);
    let degrees = |year: u16| {
        let (now, next) = (trends.at(year.into()), trends.at(f64::from(year) + 1.0));
        let cosine: f64 = now.distance.iter().zip(next.distance).map(|(a, b)| a * b / 4.0).sum();
        cosine.acos().to_degrees()
    };
    for year in YEARS {
        let turned = degrees(year);
        let fast = (1969..1974).contains(&year);
        assert_eq!(turned > 5.0, fast, "{year}: {turned}");
    }
}

#[test]
fn refuses_changes_outside_their_knots() {
    for years in ["[1960, 1970]", "[1970, 1985]", "[1974, 1969]", "[1970, 1970]", "[1970]"] {
        assert!(toml::from_str::<Portraits>(&format!("change = {years}")).is_err(), "{years}");
    }
}
