# SPDX-License-Identifier: Apache-2.0
# Requests that two readers may cut differently, and others that are none. Each is refused by an answer
# or by the end of the connection, and what stands hidden in it is never done: it would halt everything,
# or hand in an alert.
import os
import re

from client import Api, check, from_environment, summary

console = from_environment("ONCALL")
ingress = Api(os.environ["INGRESS"], os.environ["CERT"], os.environ["BEARER"])
ALERT = b'{"id":"hidden","title":"hidden","type":"T","severity":"high"}'
HALT = b'{"reason":"hidden","scope":"all"}'


def request(api, path, body, *headers, line=None, length=True):
    """One that is right, but for what is given."""
    lines = [line or f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {api.token}",
             "Content-Type: application/json"] + ([f"Content-Length: {len(body)}"] if length else [])
    return "\r\n".join(lines).encode() + b"".join(b"\r\n" + h for h in headers) + b"\r\n\r\n" + body


def answers_to(api, data):
    """The status of every answer until the other side ends it, or until nothing more comes."""
    sock = api.connect()
    sock.settimeout(3)
    got = b""
    try:
        sock.sendall(data)
        while chunk := sock.recv(65536):
            got += chunk
    except (OSError, TimeoutError):
        pass
    sock.close()
    return statuses(got)


def statuses(got):
    """Of each answer. Libmicrohttpd's own refusals have their head twice, the second time as the body."""
    found = []
    while match := re.match(rb"HTTP/1\.[01] (\d{3}) .*?\r\n\r\n", got, re.S):
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)\r\n", match[0])
        found += [int(match[1])] if match[1] != b"100" else []
        got = got[match.end() + (int(length[1]) if length else 0):]
    return found


def get(*headers, line=b"GET /healthz HTTP/1.1", host=b"Host: x"):
    return b"\r\n".join([line] + ([host] if host else []) + list(headers)) + b"\r\n\r\n"


def post(*headers, path="/v1/halts", body=b""):
    """A POST without a length of its own; the headers say how long it is."""
    return request(console, path, body, *headers, length=False)


HIDDEN = {console: request(console, "/v1/halts", HALT), ingress: request(ingress, "/hooks/bearer", ALERT)}
CHUNKED = b"Transfer-Encoding: chunked"
NONE = b"0\r\n\r\n"

# Two readers: name, what stands before the hidden one. {n} is the length of what is hidden.
FRAMED = {
    "cl_te": (b"Content-Length: {n5}", CHUNKED, NONE),
    "te_cl": (CHUNKED, b"Content-Length: 5", NONE),
    "te_te": (CHUNKED, CHUNKED, NONE),
    "te_te_identity": (CHUNKED, b"Transfer-Encoding: identity", NONE),
    "te_identity": (b"Transfer-Encoding: identity", NONE),
    "te_x": (b"Transfer-Encoding: x", NONE),
    "te_xchunked": (b"Transfer-Encoding: xchunked", NONE),
    "te_chunked_x": (b"Transfer-Encoding: chunked, x", NONE),
    "te_x_chunked": (b"Transfer-Encoding: x, chunked", NONE),
    "te_gzip_chunked": (b"Transfer-Encoding: gzip, chunked", NONE),
    "te_chunked_chunked": (b"Transfer-Encoding: chunked, chunked", NONE),
    "te_quoted": (b'Transfer-Encoding: "chunked"', NONE),
    "te_semicolon": (b"Transfer-Encoding: chunked;x=y", NONE),
    "te_vertical_tab": (b"Transfer-Encoding: \x0bchunked", NONE),
    "te_nul": (b"Transfer-Encoding: chunked\0", NONE),
    "te_high_byte": (b"Transfer-Encoding: chunked\xff", NONE),
    "te_empty": (b"Transfer-Encoding:", NONE),
    "te_space_before_colon": (b"Transfer-Encoding : chunked", NONE),
    "te_tab_before_colon": (b"Transfer-Encoding\t: chunked", NONE),
    "te_space_before_colon_and_cl": (b"Transfer-Encoding : chunked", b"Content-Length: {n5}", NONE),
    "te_folded": (b"Transfer-Encoding:\r\n chunked", NONE),
    "te_folded_behind_another": (b"X: y\r\n Transfer-Encoding: chunked", b"Content-Length: {n5}", NONE),
    "te_behind_a_bare_cr": (b"X: y\rTransfer-Encoding: chunked", b"Content-Length: {n5}", NONE),
    "te_behind_a_bare_lf": (b"X: y\nTransfer-Encoding: chunked", b"Content-Length: {n5}", NONE),
    "te_underscore": (b"Transfer_Encoding: chunked", b"Content-Length: {n5}", NONE),
    "cl_twice": (b"Content-Length: 5", b"Content-Length: {n5}", NONE),
    "cl_twice_the_same": (b"Content-Length: 5", b"Content-Length: 5", NONE),
    "cl_list": (b"Content-Length: 5, 5", NONE),
    "cl_list_of_two": (b"Content-Length: 5, {n5}", NONE),
    "cl_negative": (b"Content-Length: -5", NONE),
    "cl_minus_zero": (b"Content-Length: -0", b""),
    "cl_plus": (b"Content-Length: +5", NONE),
    "cl_hex": (b"Content-Length: 0x5", NONE),
    "cl_letter_behind": (b"Content-Length: 5x", NONE),
    "cl_space_within": (b"Content-Length: 5 5", NONE),
    "cl_point": (b"Content-Length: 5.0", NONE),
    "cl_exponent": (b"Content-Length: 5e0", NONE),
    "cl_leading_zeros": (b"Content-Length: 005", NONE),
    "cl_empty": (b"Content-Length:", NONE),
    "cl_nul": (b"Content-Length: 5\0", NONE),
    "cl_too_large": (b"Content-Length: 18446744073709551621", NONE),
    "cl_wraps_32": (b"Content-Length: 4294967301", NONE),
    "cl_space_before_colon": (b"Content-Length : 5", NONE),
    "cl_folded": (b"Content-Length:\r\n 5", NONE),
    "cl_1_0_with_chunks": (CHUNKED, b"Connection: keep-alive", NONE),
    "chunk_size_hex": (CHUNKED, b"0x0\r\n\r\n"),
    "chunk_size_plus": (CHUNKED, b"+0\r\n\r\n"),
    "chunk_size_negative": (CHUNKED, b"-1\r\n\r\n"),
    "chunk_size_space_before": (CHUNKED, b" 0\r\n\r\n"),
    "chunk_size_space_behind": (CHUNKED, b"0 \r\n\r\n"),
    "chunk_size_too_large": (CHUNKED, b"10000000000000000\r\n\r\n"),
    "chunk_size_overflows_to_5": (CHUNKED, b"100000000000000005\r\n12345\r\n" + NONE),
    "chunk_size_empty": (CHUNKED, b"\r\n\r\n"),
    "chunk_size_no_hex": (CHUNKED, b"g\r\n\r\n"),
    "chunk_size_ends_in_lf": (CHUNKED, b"0\n\n"),
    "chunk_without_its_end": (CHUNKED, b"1\r\n{0\r\n\r\n"),
    "chunk_that_ends_in_lf": (CHUNKED, b"1\r\n{\n0\r\n\r\n"),
    "chunk_extension_with_lf": (CHUNKED, b"0;a\nb\r\n\r\n"),
    "chunk_extension_with_cr": (CHUNKED, b"0;a\rb\r\n\r\n"),
    "chunk_extension_quoted": (CHUNKED, b'0;a="\r\n\r\n"\r\n\r\n'),
    "chunk_extension_of_100_kb": (CHUNKED, b"0;" + b"a" * 100000 + b"\r\n\r\n"),
    "trailer_length": (CHUNKED, b"0\r\nContent-Length: {n}\r\n\r\n"),
    "trailer_encoding": (CHUNKED, b"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "trailer_credential": (CHUNKED, b"0\r\nAuthorization: Bearer x\r\n\r\n"),
    "trailer_without_colon": (CHUNKED, b"0\r\nx\r\n\r\n"),
}

# No body: what is asked may be right or wrong, and what stands hidden behind a part of it is not done.
ODD = {
    "two_hosts": get(b"Host: y"),
    "no_host": get(host=None),
    "host_twice_the_same": get(b"Host: x"),
    "header_without_colon": get(b"nothing"),
    "header_without_name": get(b": x"),
    "header_name_with_space": get(b"a b: c"),
    "header_name_with_nul": get(b"a\0b: c"),
    "header_value_with_nul": get(b"a: b\0c"),
    "header_value_with_cr": get(b"a: b\rc: d"),
    "header_space_before_colon": get(b"a : b"),
    "header_space_first": get(host=b" Host: x"),
    "header_folded": get(b"a: b", b" c"),
    "headers_1000": get(*[b"a%d: b" % i for i in range(1000)]),
    "headers_65": get(*[b"a%d: b" % i for i in range(64)]),
    "header_17_kb": get(b"a: " + b"b" * 17 * 1024),
    "header_name_17_kb": get(b"b" * 17 * 1024 + b": a"),
    "path_100_kb": get(line=b"GET /" + b"a" * 100000 + b" HTTP/1.1"),
    "path_nul": get(line=b"GET /health\0z HTTP/1.1"),
    "path_encoded_nul": get(line=b"GET /healthz%00 HTTP/1.1"),
    "path_encoded_nul_in_a_parameter": get(line=b"GET /v1/runs/r-1%00x HTTP/1.1"),
    "path_dots": get(line=b"GET /console/../healthz HTTP/1.1"),
    "path_encoded_dots": get(line=b"GET /console/%2e%2e/healthz HTTP/1.1"),
    "path_encoded_slash": get(line=b"GET /%2fhealthz HTTP/1.1"),
    "path_encoded_crlf": get(line=b"GET /healthz%0d%0aX:%20y HTTP/1.1"),
    "path_overlong_slash": get(line=b"GET /%c0%afhealthz HTTP/1.1"),
    "path_raw_high_bytes": get(line=b"GET /\xc0\xaf\xff HTTP/1.1"),
    "path_half_encoded": get(line=b"GET /healthz% HTTP/1.1"),
    "path_wrongly_encoded": get(line=b"GET /healthz%zz HTTP/1.1"),
    "path_backslash": get(line=b"GET \\healthz HTTP/1.1"),
    "path_fragment": get(line=b"GET /healthz#x HTTP/1.1"),
    "path_empty": get(line=b"GET  HTTP/1.1"),
    "path_star": get(line=b"GET * HTTP/1.1"),
    "path_double_slash": get(line=b"GET //healthz HTTP/1.1"),
    "absolute_form": get(line=b"GET https://other/healthz HTTP/1.1"),
    "authority_form": get(line=b"CONNECT other:443 HTTP/1.1"),
    "line_with_two_spaces": get(line=b"GET  /healthz  HTTP/1.1"),
    "line_with_tabs": get(line=b"GET\t/healthz\tHTTP/1.1"),
    "line_with_a_space_more": get(line=b"GET /healthz /x HTTP/1.1"),
    "line_with_a_space_behind": get(line=b"GET /healthz HTTP/1.1 "),
    "line_with_nul": get(line=b"GET\0 /healthz HTTP/1.1"),
    "method_unknown": get(line=b"HALT /healthz HTTP/1.1"),
    "method_lower": get(line=b"get /healthz HTTP/1.1"),
    "method_trace": get(line=b"TRACE /healthz HTTP/1.1"),
    "method_empty": get(line=b" /healthz HTTP/1.1"),
    "method_long": get(line=b"A" * 5000 + b" /healthz HTTP/1.1"),
    "method_odd_letters": get(line=b"G(T /healthz HTTP/1.1"),
    "version_0_9": b"GET /healthz\r\n\r\n",
    "version_1_2": get(line=b"GET /healthz HTTP/1.2"),
    "version_2_0": get(line=b"GET /healthz HTTP/2.0"),
    "version_9_9": get(line=b"GET /healthz HTTP/9.9"),
    "version_lower": get(line=b"GET /healthz http/1.1"),
    "version_letters": get(line=b"GET /healthz HTTP/x.y"),
    "version_2_preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
    "only_lf": get().replace(b"\r\n", b"\n"),
    "only_cr": get().replace(b"\r\n", b"\r"),
    "tls_in_tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "binary": bytes(range(256)),
    "empty_line_first": b"\r\n" + get(),
    "two_credentials": get(b"Authorization: Bearer x", b"Authorization: Bearer %s" % console.token.encode()),
    "get_with_a_body": get(b"Content-Length: {n}"),
    "get_with_chunks": get(b"Transfer-Encoding: chunked"),
    "early_401": get(b"Content-Type: application/json", b"Authorization: Bearer x", b"Content-Length: {n}", line=b"POST /v1/halts HTTP/1.1"),
    "early_404": get(b"Content-Length: {n}", line=b"POST /nothing HTTP/1.1"),
    "early_405": get(b"Content-Length: {n}", line=b"PUT /healthz HTTP/1.1"),
    "early_415": request(console, "/v1/halts", b"", b"Content-Length: {n}", length=False).replace(b"application/json", b"text/plain"),
    "early_413": request(console, "/v1/halts", b"", b"Content-Length: 1000000000", length=False),
    "header_blank_behind": get(b"a: b ", b"c: d\t "),
    "header_blanks_before": get(b"a: \t  b"),
    "header_without_a_blank": get(b"a:b"),
    "upgrade": get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
}
# What is legal all the same: exactly one answer of its own.
LEGAL = {"upgrade", "empty_line_first", "header_blank_behind", "header_blanks_before", "header_without_a_blank"}


def state():
    halts = console.get("/v1/halts").json["halts"]
    alerts = [alert["id"] for alert in console.get("/v1/alerts").json["alerts"]]
    return halts, alerts


def fill(part, hidden):
    return part.replace(b"{n5}", b"%d" % (len(hidden) + 5)).replace(b"{n}", b"%d" % len(hidden))


def is_refused(said):
    return len(said) <= 1 and all(400 <= status <= 505 for status in said)


before = state()
taken = []
for name, parts in FRAMED.items():
    for api, where in ((console, "console"), (ingress, "ingress")):
        path = "/v1/halts" if api is console else "/hooks/bearer"
        hidden = HIDDEN[api]
        head = request(api, path, b"", *[fill(part, hidden) for part in parts[:-1]], length=False)
        head = head.replace(b"HTTP/1.1", b"HTTP/1.0") if "_1_0_" in name else head
        data = head + fill(parts[-1], hidden) + hidden
        said = answers_to(api, data)
        if not is_refused(said):
            taken.append((name, where, said))
        if state() != before:
            print(f"# {name} at {where}: {said}: what was hidden in it was done")
            console.ask("DELETE", "/v1/halts/all", {"reason": "x"})
            before = state()
            taken.append((name, where, "done"))
check("requests_that_two_readers_may_cut_differently_are_refused", [], taken)
check("and_they_were_many", True, len(FRAMED) >= 60)

taken = []
for name, data in ODD.items():
    for api, where in ((console, "console"), (ingress, "ingress")):
        hidden = b"" if name in LEGAL else HIDDEN[api]
        said = answers_to(api, fill(data, hidden) + hidden)
        if not is_refused(said) and not (name in LEGAL and len(said) == 1):
            taken.append((name, where, said))
        if state() != before:
            print(f"# {name} at {where}: {said}: what was hidden in it was done")
            before = state()
check("what_is_no_request_is_refused", [], taken)
for api, where, right in ((console, "console", 200), (ingress, "ingress", 202)):
    sent = HIDDEN[api]
    check(f"the_hidden_one_is_right_where_nothing_hides_it_at_the_{where}", [right], answers_to(api, sent))
check("and_does_something", True, state() != before)
check("and_is_ended", 200, from_environment("ADMIN").ask("DELETE", "/v1/halts/all", {"reason": "x"}).status)
summary()
