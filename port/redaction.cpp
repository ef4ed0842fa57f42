// SPDX-License-Identifier: MIT
// Messages without secrets.
#include "redaction.h"

#include "cpl_port.h"

#include <algorithm>
#include <cstring>

namespace
{

constexpr const char *WORD_END = " \t\r\n\"'<>";
constexpr const char *HIDDEN = "...";

size_t EndOfWord(const std::string &text, size_t at)
{
    return std::min(text.find_first_of(WORD_END, at), text.size());
}

// A URL from behind "://" on.
std::string ShowUrl(const std::string &url)
{
    const size_t host_end = std::min(url.find_first_of("/?#"), url.size());
    const size_t user_end = url.rfind('@', host_end);
    const size_t query = url.find('?');
    const size_t begin =
        user_end != std::string::npos && user_end < host_end ? user_end : 0;
    return (begin > 0 ? HIDDEN : "") +
           (query != std::string::npos
                ? url.substr(begin, query + 1 - begin) + HIDDEN
                : url.substr(begin));
}

} // namespace

std::string Redacted(const std::string &text)
{
    constexpr const char *SCHEME_END = "://";
    constexpr const char *OPTIONS = "/vsicurl?"; // GDAL's other form
    std::string shown;
    size_t at = 0;
    while (at < text.size())
    {
        const size_t options = text.find(OPTIONS, at);
        const size_t url = text.find(SCHEME_END, at);
        const size_t found = std::min(options, url);
        if (found == std::string::npos)
            return shown + text.substr(at);
        const size_t begin =
            found + strlen(options < url ? OPTIONS : SCHEME_END);
        const size_t end = EndOfWord(text, begin);
        shown +=
            text.substr(at, begin - at) +
            (options < url ? HIDDEN : ShowUrl(text.substr(begin, end - begin)));
        at = end;
    }
    return shown;
}

void CPL_STDCALL RedactedQuietHandler(CPLErr kind, CPLErrorNum code,
                                      const char *text)
{
    // Of requests for tokens, GDAL shows headers and bodies as they are.
    constexpr const char *SENT = "HTTP: These ";
    if (kind == CE_Debug && !STARTS_WITH(text, SENT))
        CPLQuietErrorHandler(kind, code, Redacted(text).c_str());
}
