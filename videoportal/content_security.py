"""The Content-Security-Policy header: what a page may load and run, should somebody's words ever become part of it.

Nothing but the portal's own files. Scripts stand in files of their own: inline ones do not run.
"""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

_DIRECTIVES = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",  # the player and the admin style parts of a page in place
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# drf-spectacular's pages start their viewers by an inline script, and Redoc searches in a worker made of a blob. They
# show the schema, which holds nobody's words.
_INLINE_SCRIPT_VIEWS = frozenset({"api:docs", "api:redoc"})
_LOOSER = {"script-src": "'self' 'unsafe-inline'", "worker-src": "'self' blob:"}


def _header(directives: dict[str, str]) -> str:
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


POLICY = _header(_DIRECTIVES)
DOCUMENTATION_POLICY = _header(_DIRECTIVES | _LOOSER)


class ContentSecurityPolicyMiddleware(MiddlewareMixin):
    """Sends the header with every answer that does not carry one of its own."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        match = request.resolver_match
        is_documentation = match is not None and match.view_name in _INLINE_SCRIPT_VIEWS
        response.headers.setdefault("Content-Security-Policy", DOCUMENTATION_POLICY if is_documentation else POLICY)
        return response
