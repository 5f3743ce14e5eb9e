"""From which block of addresses a request comes: what one provider hands to one customer, roughly."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

_IPV4_BITS, _IPV6_BITS = 24, 48


def block_of(request: HttpRequest) -> str:
    """Return the block as text; empty where the server names no address.

    Behind proxies the last of the addresses counts that the nearest one has not written about itself: what a client
    claims stands before it.
    """
    told = [one.strip() for one in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if one.strip()]
    address = (
        told[-min(settings.PROXIES, len(told))]
        if settings.PROXIES and told
        else request.META.get("REMOTE_ADDR", "")
    )
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    bits = _IPV6_BITS if isinstance(found, IPv6Address) else _IPV4_BITS
    return str(ip_network(f"{found}/{bits}", strict=False))
