// SPDX-License-Identifier: MIT
// Values of options that a user gave, checked.
#ifndef OPTION_READER_H
#define OPTION_READER_H

#include "cpl_string.h"

#include <string>
#include <vector>

// Options and report are borrowed. Each function leaves *out alone when the
// option is not given, and returns false, after a report of what was found and
// what was expected, for a value that cannot be.
class OptionReader final
{
  public:
    using Report = void (*)(const char *text);

    OptionReader(CSLConstList options, Report report)
        : m_options(options), m_report(report)
    {
    }

    // As given, "" when it is not.
    std::string Text(const char *name) const;
    bool Has(const char *name) const;

    // One of the words, in upper case.
    bool Word(const char *name, const std::vector<const char *> &words,
              std::string *out) const;
    bool Int(const char *name, int min, int max, int *out) const;
    bool Number(const char *name, double min, double max, double *out) const;
    bool Bool(const char *name, bool *out) const;
    // A number of threads, at most max, or ALL_CPUS. Not given, it is that of
    // GDAL_NUM_THREADS, else ALL_CPUS.
    bool Threads(const char *name, unsigned max, unsigned *out) const;

    // Reports, and returns false.
    bool Refuse(const char *name, const char *value,
                const char *expected) const;

  private:
    CSLConstList m_options;
    Report m_report;
};

#endif
