//! Parses libpq's connection URIs.
//!
//! A URL may hold a password, and a password with a stray `@` or `/` shifts every border in it. So a message never quotes a
//! part of the URL; only the name of an unknown parameter is shown, and only where it cannot be a piece of a password.

use std::net::Ipv6Addr;

use super::defaults::Defaults;
use super::endpoint::{Endpoint, EndpointError};
use super::parameters::Parts;

/// PostgreSQL cuts longer names silently (NAMEDATALEN).
pub(super) const MAX_NAME: usize = 63;

pub(super) const SHAPE: &str = "postgresql://role:password@host:port/database";
pub(super) const HINT: &str = "characters such as @ : / ? # % in a role, password or database must be percent-encoded (%40 %3A %2F %3F %23 %25)";

impl Endpoint {
    /// Parses a connection URI as libpq does: `postgres://` or `postgresql://` (also with a driver, as in
    /// `postgresql+asyncpg://`), several hosts, IPv6 in brackets, socket directories, and parameters that override the rest.
    /// Without a database it is the role's name, as for libpq.
    ///
    /// # Errors
    /// When it is no such URI, names no role or no host, has an empty password, or a parameter that dbctl does not know.
    /// The error never quotes the URL.
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        Self::parse_with(url, &Defaults::default())
    }

    /// As [`Endpoint::parse`]; what the URL leaves open is as the environment says.
    pub(super) fn parse_with(url: &str, defaults: &Defaults) -> Result<Self, EndpointError> {
        let url = url.trim_matches(|c: char| c.is_ascii_whitespace());
        if !url.contains("://") && is_keywords(url) {
            return fail(format!(
                "this is libpq's other form (host=… dbname=… user=…): write it as a URL, {SHAPE}, with the rest behind it as ?name=value&name=value"
            ));
        }
        if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return fail(
                "the URL holds a space or a control character; percent-encode it (a space is %20)",
            );
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            return fail(format!("this is not a URL; expected {SHAPE}"));
        };
        let scheme = scheme.split('+').next().unwrap_or_default();
        if !["postgres", "postgresql"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
        {
            return fail(format!(
                "the URL is of another kind; expected postgresql:// or postgres://, as in {SHAPE}"
            ));
        }
        let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = before_query.split_once('/').unwrap_or((before_query, ""));
        if authority.matches('@').count() > 1 || path.contains(['@', '/']) {
            return fail(format!("there is more than one @ or /; {HINT}"));
        }
        let (credentials, hosts) = authority.split_once('@').unwrap_or(("", authority));
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (credentials, None),
        };
        let password = password.map(decode).transpose()?;
        let mut parts = Parts::new(decode(user)?, password, decode(path)?, hosts_of(hosts)?);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = pair.split_once('=') else {
                return fail(format!(
                    "a parameter after the ? has no =; expected name=value; {HINT}"
                ));
            };
            parts.parameter(&decode(name)?, decode(value)?, query.contains('@'))?;
        }
        parts.finish(defaults)
    }
}

/// Whether a text is keywords with values (PostgreSQL documentation, "Keyword/Value Connection Strings").
fn is_keywords(text: &str) -> bool {
    let keyword = |word: &str| {
        ["host", "hostaddr", "port", "dbname", "user", "service"].contains(&word.trim())
    };
    text.split_once('=').is_some_and(|(word, _)| keyword(word))
}

/// Whether this is a host name, an address or a socket directory. The reason never quotes it.
pub(super) fn check_host(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a host is empty; expected a name, an address or a socket directory".into());
    }
    if name.chars().any(|c| c.is_control() || c == ',') {
        return Err("a host holds a comma or a control character".to_owned());
    }
    if name.starts_with('/') {
        return Ok(());
    }
    if name.starts_with('@') {
        return Err(format!(
            "a host begins with @, as an abstract socket does, which dbctl has not: name the directory of the server's socket, or its host; {HINT}"
        ));
    }
    if name
        .chars()
        .any(|c| c.is_whitespace() || "/@?#[]".contains(c))
    {
        return Err(format!("a host holds a character that no host has; {HINT}"));
    }
    let address = name
        .split_once('%')
        .map_or(name, |(address, _zone)| address);
    if name.contains(':') && address.parse::<Ipv6Addr>().is_err() {
        return Err(format!(
            "a host holds a colon and is no IPv6 address; {HINT}"
        ));
    }
    Ok(())
}

/// The hosts and ports between `@` and `/`.
fn hosts_of(text: &str) -> Result<Vec<(String, Option<u16>)>, EndpointError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|part| {
            if let Some(rest) = part.strip_prefix('[') {
                let Some((address, rest)) = rest.split_once(']') else {
                    return fail("an IPv6 address lacks its closing bracket");
                };
                let port = match rest.strip_prefix(':') {
                    Some(port) => port_of(port)?,
                    None if rest.is_empty() => None,
                    None => return fail("after an IPv6 address only :port may follow"),
                };
                let address = decode(address)?;
                if !address.contains(':') {
                    return fail("between the brackets of a host stands no IPv6 address");
                }
                return Ok((address, port));
            }
            let (name, port) = part.split_once(':').unwrap_or((part, ""));
            if port.contains(':') {
                return fail(format!(
                    "a host has more than one colon; put an IPv6 address in brackets; {HINT}"
                ));
            }
            Ok((decode(name)?, port_of(port)?))
        })
        .collect()
}

/// A port; nothing stands for the default.
pub(super) fn port_of(text: &str) -> Result<Option<u16>, EndpointError> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<u16>() {
        Ok(port) if port > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(Some(port)),
        _ => fail(format!("the port is not a number from 1 to 65535; {HINT}")),
    }
}

/// The address in `[address]`, or the text as it is.
pub(super) fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// Decodes percent signs strictly: a stray one is a password that was not encoded.
fn decode(text: &str) -> Result<String, EndpointError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.next().and_then(hex).zip(rest.next().and_then(hex));
        match digits {
            Some((0, 0)) => return fail("%00 is not possible in a URL"),
            Some((high, low)) => bytes.push(high * 16 + low),
            None => {
                return fail(
                    "a % is not followed by two hexadecimal digits; write a plain % as %25",
                );
            }
        }
    }
    String::from_utf8(bytes)
        .or_else(|_| fail("a percent-encoded part is not UTF-8; encode the bytes of UTF-8"))
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

pub(super) fn fail<T>(message: impl Into<String>) -> Result<T, EndpointError> {
    Err(EndpointError(message.into()))
}

#[cfg(test)]
#[path = "uri_tests.rs"]
mod tests;
