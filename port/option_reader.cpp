// SPDX-License-Identifier: MIT
// Values of options that a user gave, checked.
#include "option_reader.h"

#include "cpl_conv.h"
#include "cpl_multiproc.h"

#include <algorithm>
#include <cmath>

std::string OptionReader::Text(const char *name) const
{
    return CSLFetchNameValueDef(m_options, name, "");
}

bool OptionReader::Has(const char *name) const
{
    return CSLFetchNameValue(m_options, name) != nullptr;
}

bool OptionReader::Refuse(const char *name, const char *value,
                          const char *expected) const
{
    const std::string text =
        std::string(name) + "=" + value + ", expected " + expected;
    m_report(text.c_str());
    return false;
}

bool OptionReader::Word(const char *name,
                        const std::vector<const char *> &words,
                        std::string *out) const
{
    const char *const value = CSLFetchNameValue(m_options, name);
    if (value == nullptr)
        return true;
    std::string expected;
    for (const char *word : words)
    {
        if (EQUAL(value, word))
        {
            *out = word;
            return true;
        }
        expected += std::string(expected.empty() ? "" : ", ") + word;
    }
    return Refuse(name, value, expected.c_str());
}

bool OptionReader::Int(const char *name, int min, int max, int *out) const
{
    const char *const value = CSLFetchNameValue(m_options, name);
    if (value == nullptr)
        return true;
    const GIntBig number = CPLGetValueType(value) == CPL_VALUE_INTEGER
                               ? CPLAtoGIntBig(value)
                               : static_cast<GIntBig>(min) - 1;
    if (number < min || number > max)
        return Refuse(name, value,
                      CPLSPrintf("a number from %d to %d", min, max));
    *out = static_cast<int>(number);
    return true;
}

bool OptionReader::Number(const char *name, double min, double max,
                          double *out) const
{
    const char *const value = CSLFetchNameValue(m_options, name);
    if (value == nullptr)
        return true;
    const double number =
        CPLGetValueType(value) != CPL_VALUE_STRING ? CPLAtof(value) : HUGE_VAL;
    if (!(number >= min && number <= max))
        return Refuse(name, value,
                      CPLSPrintf("a number from %.15g to %.15g", min, max));
    *out = number;
    return true;
}

bool OptionReader::Bool(const char *name, bool *out) const
{
    const char *const value = CSLFetchNameValue(m_options, name);
    if (value == nullptr)
        return true;
    for (const char *word :
         {"YES", "TRUE", "ON", "1", "NO", "FALSE", "OFF", "0"})
        if (EQUAL(value, word))
        {
            *out = CPLTestBool(value);
            return true;
        }
    return Refuse(name, value, "YES or NO");
}

// 0 when the text is no number of threads.
static unsigned ParseThreads(const char *text, unsigned max)
{
    if (EQUAL(text, "ALL_CPUS"))
        return std::clamp(static_cast<unsigned>(std::max(1, CPLGetNumCPUs())),
                          1u, max);
    if (CPLGetValueType(text) != CPL_VALUE_INTEGER)
        return 0;
    return static_cast<unsigned>(
        std::clamp<GIntBig>(CPLAtoGIntBig(text), 0, max));
}

bool OptionReader::Threads(const char *name, unsigned max, unsigned *out) const
{
    const char *const value = CSLFetchNameValue(m_options, name);
    if (value == nullptr)
    {
        // A wrong one means one thread, as elsewhere in GDAL.
        *out = std::max(
            1u, ParseThreads(CPLGetConfigOption("GDAL_NUM_THREADS", "ALL_CPUS"),
                             max));
        return true;
    }
    const unsigned count = ParseThreads(value, max);
    if (count == 0)
        return Refuse(name, value, "a number from 1 or ALL_CPUS");
    *out = count;
    return true;
}
