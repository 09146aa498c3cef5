//! Where customers and sellers are: the 27 states by the real data's counts, a city and its postcodes.

use super::random::{Random, Stream};

/// One state.
pub(super) struct Place {
    pub(super) state: &'static str,
    /// Customers and sellers of the real data.
    customers: u64,
    sellers: u64,
    pub(super) city: &'static str,
    /// First and last of its postcodes' first five digits.
    pub(super) postcodes: (u64, u64),
    /// Whether it is in the south or south-east, where most parcels come from.
    south: bool,
}

const fn place(
    state: &'static str,
    (customers, sellers): (u64, u64),
    city: &'static str,
    postcodes: (u64, u64),
    south: bool,
) -> Place {
    Place {
        state,
        customers,
        sellers,
        city,
        postcodes,
        south,
    }
}

/// All states; the first is São Paulo.
pub(super) const PLACES: [Place; 27] = [
    place("SP", (41_746, 1_849), "sao paulo", (1_000, 19_999), true),
    place(
        "RJ",
        (12_852, 171),
        "rio de janeiro",
        (20_000, 28_999),
        true,
    ),
    place(
        "MG",
        (11_635, 244),
        "belo horizonte",
        (30_000, 39_999),
        true,
    ),
    place("RS", (5_466, 129), "porto alegre", (90_000, 99_999), true),
    place("PR", (5_045, 349), "curitiba", (80_000, 87_999), true),
    place("SC", (3_637, 190), "florianopolis", (88_000, 89_999), true),
    place("BA", (3_380, 19), "salvador", (40_000, 48_999), false),
    place("DF", (2_140, 30), "brasilia", (70_000, 72_799), false),
    place("ES", (2_033, 23), "vitoria", (29_000, 29_999), true),
    place("GO", (2_020, 40), "goiania", (73_700, 76_799), false),
    place("PE", (1_652, 9), "recife", (50_000, 56_999), false),
    place("CE", (1_336, 13), "fortaleza", (60_000, 63_999), false),
    place("PA", (975, 1), "belem", (66_000, 68_899), false),
    place("MT", (907, 4), "cuiaba", (78_000, 78_899), false),
    place("MA", (747, 1), "sao luis", (65_000, 65_999), false),
    place("MS", (715, 5), "campo grande", (79_000, 79_999), false),
    place("PB", (536, 6), "joao pessoa", (58_000, 58_999), false),
    place("PI", (495, 1), "teresina", (64_000, 64_999), false),
    place("RN", (485, 5), "natal", (59_000, 59_999), false),
    place("AL", (413, 0), "maceio", (57_000, 57_999), false),
    place("SE", (350, 2), "aracaju", (49_000, 49_999), false),
    place("TO", (280, 0), "palmas", (77_000, 77_999), false),
    place("RO", (253, 2), "porto velho", (76_800, 76_999), false),
    place("AM", (148, 1), "manaus", (69_000, 69_299), false),
    place("AC", (81, 1), "rio branco", (69_900, 69_999), false),
    place("AP", (68, 0), "macapa", (68_900, 68_999), false),
    place("RR", (46, 0), "boa vista", (69_300, 69_399), false),
];

/// Place of São Paulo.
pub(super) const SAO_PAULO: usize = 0;

const CUSTOMERS: u64 = sum(true);
const SELLERS: u64 = sum(false);

const fn sum(of_customers: bool) -> u64 {
    let (mut sum, mut i) = (0, 0);
    while i < PLACES.len() {
        sum += if of_customers {
            PLACES[i].customers
        } else {
            PLACES[i].sellers
        };
        i += 1;
    }
    sum
}

/// The state of a customer, by chance.
pub(super) fn customer_state(random: &mut Random) -> usize {
    find(random.below(CUSTOMERS), |place| place.customers)
}

/// The state of a seller, always the same.
pub(super) fn seller_state(seed: u64, seller: u64) -> usize {
    let mut random = Random::new(seed, Stream::Seller, seller);
    find(random.below(SELLERS), |place| place.sellers)
}

fn find(mut slot: u64, weight: impl Fn(&Place) -> u64) -> usize {
    let place = PLACES.iter().position(|place| {
        let here = slot < weight(place);
        slot = slot.wrapping_sub(weight(place));
        here
    });
    place.expect("a slot is below the sum of the weights")
}

/// How far a parcel goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Within a state.
    Near,
    /// To another state of the south and south-east.
    South,
    /// Further.
    Far,
}

/// From a seller's state to a customer's.
pub(super) fn route(customer: usize, seller: usize) -> Route {
    if customer == seller {
        Route::Near
    } else if PLACES[customer].south {
        Route::South
    } else {
        Route::Far
    }
}
