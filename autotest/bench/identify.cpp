// SPDX-License-Identifier: MIT
// Times the driver's Identify on files of other drivers: what every opening of
// any file in any program pays for our plugin.
//
// Usage: identify [FILE...]
// c++ -O2 identify.cpp -o identify $(gdal-config --cflags) $(gdal-config
// --libs) Prints nanoseconds of processor time a call, the median of many
// batches, for heads of files made here and for FILEs; those take no part in
// the status.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include <gdal_priv.h>

namespace
{

constexpr int BATCHES = 51;
constexpr int MAX_CALLS = 20000;
constexpr double BATCH_NS = 500000;

// Not in the way of the loop's timing, and not known to the compiler.
int Nothing(GDALOpenInfo *)
{
    return FALSE;
}

double Now()
{
    struct timespec now = {};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 +
           static_cast<double>(now.tv_nsec);
}

// Nanoseconds a call in one batch, and the last answer.
double TimeBatch(int (*volatile identify)(GDALOpenInfo *), GDALOpenInfo *info,
                 int calls, int *answer)
{
    const double start = Now();
    for (int i = 0; i < calls; i++)
        *answer = identify(info);
    return (Now() - start) / calls;
}

double Time(int (*identify)(GDALOpenInfo *), GDALOpenInfo *info, int *answer)
{
    std::vector<double> times;
    const double first = TimeBatch(identify, info, 20, answer);
    const int calls = first * MAX_CALLS < BATCH_NS
                          ? MAX_CALLS
                          : static_cast<int>(BATCH_NS / first) + 1;
    for (int batch = 0; batch < BATCHES; batch++)
        times.push_back(TimeBatch(identify, info, calls, answer));
    std::nth_element(times.begin(), times.begin() + BATCHES / 2, times.end());
    return times[BATCHES / 2];
}

std::string Repeat(const char *text, size_t nbytes)
{
    std::string out;
    while (out.size() < nbytes)
        out += text;
    out.resize(nbytes);
    return out;
}

// Heads of files, of which GDAL shows a driver the first 1024 bytes. The last
// of them are as bad as can be for a search of member names.
std::vector<std::pair<std::string, std::string>> Heads()
{
    return {
        {"tiff", std::string("II*\0\x08\0\0\0", 8) + Repeat("\1\2\3", 4000)},
        {"png", "\x89PNG\r\n\x1a\n" + Repeat("IDAT", 4000)},
        {"text", Repeat("Lorem ipsum dolor sit amet, ", 4000)},
        {"geojson",
         "{\"type\":\"FeatureCollection\",\"features\":[" +
             Repeat("{\"type\":\"Feature\",\"properties\":{\"NAME\":\"a\"},"
                    "\"geometry\":{\"type\":\"Point\",\"coordinates\":"
                    "[1.5,2.5]}},",
                    4000)},
        {"stac", "{\"stac_version\":\"1.0.0\",\"type\":\"Feature\"," +
                     Repeat("\"proj:epsg\":32631,\"eo:cloud_cover\":3,"
                            "\"item_assets\":{},",
                            4000)},
        {"many underscores", "{\"" + Repeat("_", 4000)},
        {"many near members", "{" + Repeat("\"tile_limit_\",", 4000)},
        {"one member", "{" + Repeat("\"tile_limits\",", 4000)},
        {"blanks", Repeat(" ", 4000)},
    };
}

} // namespace

int main(int argc, char **argv)
{
    GDALAllRegister();
    GDALDriver *const driver = GetGDALDriverManager()->GetDriverByName("ROK4");
    if (driver == nullptr || driver->pfnIdentify == nullptr)
    {
        fprintf(stderr, "identify: no ROK4 driver in GDAL_DRIVER_PATH\n");
        return 2;
    }

    int status = 0;
    double worst = 0;
    auto heads = Heads();
    for (auto &head : heads)
    {
        const std::string path = "/vsimem/identify";
        VSIFCloseL(VSIFileFromMemBuffer(
            path.c_str(), reinterpret_cast<GByte *>(&head.second[0]),
            head.second.size(), FALSE));
        GDALOpenInfo info(path.c_str(), GA_ReadOnly);
        int answer = FALSE;
        const double floor = Time(Nothing, &info, &answer);
        const double ns = Time(driver->pfnIdentify, &info, &answer);
        worst = std::max(worst, ns);
        printf("%-20s %7.1f ns (an empty function: %.1f)%s\n",
               head.first.c_str(), ns, floor, answer ? " OURS" : "");
        if (answer != FALSE)
            status = 1;
    }
    for (int i = 1; i < argc; i++)
    {
        GDALOpenInfo info(argv[i], GA_ReadOnly);
        int answer = FALSE;
        const double ns = Time(driver->pfnIdentify, &info, &answer);
        printf("%-20s %7.1f ns%s\n", argv[i], ns, answer ? " OURS" : "");
    }
    printf("worst %.1f ns\n", worst);
    GDALDestroyDriverManager();
    return status;
}
