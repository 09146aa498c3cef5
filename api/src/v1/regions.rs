//! Regions as people write them: a code, or the name of a Brazilian state, with or without accents, in any
//! case (ISO 3166-2:BR).

use std::collections::BTreeSet;

use eip_contract::reject::is_region;

use crate::problem::Problem;

/// Code and name of every state, in plain lower case.
const STATES: [(&str, &str); 27] = [
    ("AC", "acre"),
    ("AL", "alagoas"),
    ("AM", "amazonas"),
    ("AP", "amapa"),
    ("BA", "bahia"),
    ("CE", "ceara"),
    ("DF", "distrito federal"),
    ("ES", "espirito santo"),
    ("GO", "goias"),
    ("MA", "maranhao"),
    ("MG", "minas gerais"),
    ("MS", "mato grosso do sul"),
    ("MT", "mato grosso"),
    ("PA", "para"),
    ("PB", "paraiba"),
    ("PE", "pernambuco"),
    ("PI", "piaui"),
    ("PR", "parana"),
    ("RJ", "rio de janeiro"),
    ("RN", "rio grande do norte"),
    ("RO", "rondonia"),
    ("RR", "roraima"),
    ("RS", "rio grande do sul"),
    ("SC", "santa catarina"),
    ("SE", "sergipe"),
    ("SP", "sao paulo"),
    ("TO", "tocantins"),
];

/// The region that a text names: a state by its name or code in any case, else the text as it is.
pub(crate) fn region(field: &'static str, text: &str) -> Result<String, Problem> {
    let plain = plain(text);
    let state = STATES
        .iter()
        .find(|(code, name)| plain == *name || plain.eq_ignore_ascii_case(code));
    if let Some((code, _)) = state {
        return Ok((*code).to_owned());
    }
    if is_region(text.as_bytes()) {
        return Ok(text.to_owned());
    }
    let form = format!(
        "{field}: a code of at most 16 bytes without control characters, or the name of a state"
    );
    Err(Problem::bad_field(field, form))
}

/// A list of regions, separated by commas; each once, in their order.
pub(crate) fn regions(field: &'static str, text: Option<&str>) -> Result<Vec<String>, Problem> {
    let texts = text.into_iter().flat_map(|text| text.split(','));
    let regions: Result<BTreeSet<String>, Problem> =
        texts.map(|text| region(field, text)).collect();
    Ok(regions?.into_iter().collect())
}

/// Lower case, without accents, blanks around and repeated blanks.
fn plain(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| word.to_lowercase().chars().map(without_accent).collect())
        .collect();
    words.join(" ")
}

fn without_accent(character: char) -> char {
    match character {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_found_however_it_is_written() {
        for text in [
            "SP",
            "sp",
            "São Paulo",
            "sao paulo",
            " SAO  PAULO ",
            "SÃO PAULO",
        ] {
            assert_eq!(region("seller_region", text).unwrap(), "SP", "{text}");
        }
        assert_eq!(region("seller_region", "Pará").unwrap(), "PA");
        assert_eq!(region("seller_region", "Paraná").unwrap(), "PR");
        assert_eq!(region("seller_region", "ZZ").unwrap(), "ZZ");
        assert_eq!(region("seller_region", "north-1").unwrap(), "north-1");
        assert_eq!(
            region("seller_region", "").unwrap(),
            "",
            "an empty region is one"
        );
        assert!(region("seller_region", "12345678901234567").is_err());
        assert!(region("seller_region", "a\nb").is_err());
        let list = regions("seller_region", Some("SP,Rio de Janeiro,sp")).unwrap();
        assert_eq!(list, ["RJ", "SP"]);
        assert!(regions("seller_region", None).unwrap().is_empty());
    }
}
