//! The cookie that stands for a session, and how it is found again.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

const COOKIE: &str = "eip-session";
const SECURE_COOKIE: &str = "__Host-eip-session";

/// Has the browser keep `id` for so many seconds, in the form of RFC 6265, section 4.1.
pub(crate) fn cookie(
    headers: &HeaderMap,
    id: &str,
    seconds: u64,
) -> [(HeaderName, HeaderValue); 1] {
    let (name, secure) = if came_over_tls(headers) {
        (SECURE_COOKIE, "; Secure")
    } else {
        (COOKIE, "")
    };
    let cookie =
        format!("{name}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut cookie = HeaderValue::try_from(cookie).expect("made of hex digits and names");
    cookie.set_sensitive(true);
    [(header::SET_COOKIE, cookie)]
}

/// The session's id in a request's cookies.
pub(crate) fn id_in(headers: &HeaderMap) -> Option<&str> {
    let wanted = if came_over_tls(headers) {
        SECURE_COOKIE
    } else {
        COOKIE
    };
    let lines = headers.get_all(header::COOKIE).iter();
    let mut pairs = lines.filter_map(|line| {
        line.to_str().ok()?.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == wanted).then_some(value)
        })
    });
    pairs.next()
}

/// Whether the proxy nearest to the client says so. A client without a proxy can say it too, which changes
/// its own cookie and nothing else.
fn came_over_tls(headers: &HeaderMap) -> bool {
    let said = headers.get("x-forwarded-proto");
    let said = said.and_then(|said| said.to_str().ok()).unwrap_or_default();
    let first = said.split(',').next().unwrap_or_default().trim();
    first.eq_ignore_ascii_case("https")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = all.iter();
        pairs
            .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_cookie_is_read_by_no_script_and_sent_by_no_other_site() {
        let plain = &cookie(&headers(&[]), "ab", 5)[0].1;
        assert_eq!(
            plain,
            "eip-session=ab; Path=/; Max-Age=5; HttpOnly; SameSite=Strict"
        );
        for proto in ["https", "HTTPS, http"] {
            let over_tls = headers(&[("x-forwarded-proto", proto)]);
            assert_eq!(
                &cookie(&over_tls, "ab", 5)[0].1,
                "__Host-eip-session=ab; Path=/; Max-Age=5; HttpOnly; SameSite=Strict; Secure"
            );
        }
    }

    #[test]
    fn a_session_is_found_among_cookies_by_the_name_that_its_scheme_has() {
        let both = "a=1; eip-session=plain; __Host-eip-session=secure; eip-session=again";
        assert_eq!(id_in(&headers(&[("cookie", both)])), Some("plain"));
        let over_tls = headers(&[("cookie", both), ("x-forwarded-proto", "https")]);
        assert_eq!(id_in(&over_tls), Some("secure"));
        for none in ["", "xeip-session=1", "eip-session", "eip-session =1"] {
            assert_eq!(id_in(&headers(&[("cookie", none)])), None, "{none}");
        }
    }
}
