// SPDX-License-Identifier: MIT
// Objects of /vsirados/ copied, moved, and removed by the thousand.
#include "vsirados_transfer.h"

#include "vsirados_list.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_string.h"

#include <cerrno>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace
{

constexpr size_t BATCH_NAMES = 1000;

bool Resize(std::vector<uint8_t> *bytes, size_t nbytes)
{
    try
    {
        bytes->resize(nbytes);
    }
    catch (const std::bad_alloc &)
    {
        return false;
    }
    return true;
}

enum pyr_result NoMemory(struct vsirados_error *err)
{
    err->code = ENOMEM;
    return pyr_fail(&err->text, PYR_NOMEM, "out of memory");
}

// Reads an object whole.
enum pyr_result Load(struct vsirados_pool *pool, const std::string &name,
                     size_t maxBytes, std::vector<uint8_t> *bytes,
                     struct vsirados_object *object, struct vsirados_error *err)
{
    constexpr size_t HEAD_BYTES = 256 * 1024;
    if (!Resize(bytes, HEAD_BYTES))
        return NoMemory(err);
    enum pyr_result result = vsirados_object_open(
        pool, name.c_str(), bytes->data(), HEAD_BYTES, object, err);
    if (result != PYR_OK)
        return result;
    if (object->size_bytes > maxBytes)
    {
        err->code = EFBIG;
        return pyr_fail(&err->text, PYR_LIMIT,
                        "has %llu bytes, the most that the cluster takes at "
                        "once is %llu",
                        static_cast<unsigned long long>(object->size_bytes),
                        static_cast<unsigned long long>(maxBytes));
    }
    const size_t size = static_cast<size_t>(object->size_bytes);
    if (!Resize(bytes, size))
        return NoMemory(err);
    if (size <= HEAD_BYTES)
        return PYR_OK;
    const struct vsirados_range rest = {{HEAD_BYTES, size - HEAD_BYTES},
                                        bytes->data() + HEAD_BYTES};
    return vsirados_object_read(pool, name.c_str(), object->version, &rest, 1,
                                err);
}

// Removes names[] from their pool; false with *failure.
bool RemoveNames(struct vsirados_pool *pool,
                 const std::vector<std::string> &names, bool *gone,
                 VsiRadosFailure *failure)
{
    std::vector<const char *> texts;
    for (const std::string &name : names)
        texts.push_back(name.c_str());
    failure->result = vsirados_object_remove_all(
        pool, texts.data(), texts.size(), gone, &failure->error);
    return failure->result == PYR_OK;
}

// Removes what a list tells and is below the prefix; false with *failure.
bool RemoveListed(struct vsirados_list *list, struct vsirados_pool *pool,
                  const std::string &prefix, VsiRadosFailure *failure)
{
    std::vector<std::string> names;
    const std::unique_ptr<bool[]> gone(new bool[BATCH_NAMES]);
    bool any = false;
    bool more = true;
    while (more)
    {
        const char *name = nullptr;
        size_t nbytes = 0;
        failure->result =
            vsirados_list_next(list, &name, &nbytes, &failure->error);
        more = failure->result == PYR_OK;
        if (!more && failure->result != PYR_NOT_FOUND)
            return false;
        struct vsirados_entry entry = {};
        if (more && vsirados_path_entry(name, nbytes, prefix.c_str(),
                                        VSIRADOS_ANY_DEPTH, &entry))
            names.emplace_back(name, nbytes);
        any = any || !names.empty();
        if (names.size() < BATCH_NAMES && more)
            continue;
        if (!RemoveNames(pool, names, gone.get(), failure))
            return false;
        names.clear();
    }
    if (!any)
        failure->result =
            pyr_fail(&failure->error.text, PYR_NOT_FOUND, "does not exist");
    return any;
}

} // namespace

bool VsiRadosCopy(const VsiRadosPlace &source, const VsiRadosPlace &target,
                  struct vsirados_object *copied)
{
    VsiRadosFailure failure;
    std::vector<uint8_t> bytes;
    struct vsirados_object object = {};
    const VsiRadosPool to = VsiRadosOpenPool(target, &failure);
    if (to != nullptr)
    {
        const VsiRadosPool from = VsiRadosOpenPool(source, &failure);
        if (from != nullptr)
            failure.result = Load(from.get(), source.Object(),
                                  vsirados_pool_max_bytes(to.get()), &bytes,
                                  &object, &failure.error);
        if (failure.result != PYR_OK)
        {
            VsiRadosRaise(source, failure);
            return false;
        }
        failure.result =
            vsirados_object_write(to.get(), target.Object().c_str(),
                                  bytes.data(), bytes.size(), &failure.error);
    }
    if (failure.result != PYR_OK)
    {
        VsiRadosRaise(target, failure);
        return false;
    }
    if (copied != nullptr)
        *copied = object;
    return true;
}

bool VsiRadosMove(const VsiRadosPlace &source, const VsiRadosPlace &target)
{
    struct vsirados_object object = {};
    // By the names of the places: two clusters may be one.
    if (source.Path() == target.Path())
        return true;
    if (!VsiRadosCopy(source, target, &object))
        return false;
    VsiRadosFailure failure;
    const VsiRadosPool pool = VsiRadosOpenPool(source, &failure);
    if (pool != nullptr)
        failure.result =
            vsirados_object_remove(pool.get(), source.Object().c_str(),
                                   object.version, &failure.error);
    if (failure.result == PYR_OK || failure.IsAbsence())
        return true;
    VsiRadosRaise(source, failure);
    return false;
}

void VsiRadosRemove(const VsiRadosPlace *places, size_t count, int *results)
{
    VsiRadosFailure failure;
    if (places[0].Pool().empty())
        return;
    const VsiRadosPool pool = VsiRadosOpenPool(places[0], &failure);
    std::vector<std::string> names;
    const std::unique_ptr<bool[]> gone(new bool[count]());
    for (size_t i = 0; i < count; i++)
        names.push_back(places[i].Object());
    if (pool != nullptr)
        RemoveNames(pool.get(), names, gone.get(), &failure);
    for (size_t i = 0; i < count; i++)
        results[i] = gone[i] ? TRUE : FALSE;
    if (failure.result != PYR_OK)
        VsiRadosRaise(places[0], failure);
}

bool VsiRadosRemoveBelow(const VsiRadosPlace &place, VsiRadosFailure *failure)
{
    const VsiRadosPool pool = VsiRadosOpenPool(place, failure);
    VsiRadosPool listed =
        pool != nullptr ? VsiRadosOpenPool(place, failure) : nullptr;
    struct vsirados_list *list = nullptr;
    if (listed == nullptr)
        return false;
    failure->result =
        vsirados_list_open(listed.release(), &list, &failure->error);
    if (failure->result != PYR_OK)
        return false;
    const bool removed =
        RemoveListed(list, pool.get(), place.Prefix(), failure);
    vsirados_list_close(list);
    return removed;
}

char **VsiRadosHeaders(const struct vsirados_object &object)
{
    CPLStringList list;
    list.SetNameValue(
        "Content-Length",
        CPLSPrintf("%llu", static_cast<unsigned long long>(object.size_bytes)));
    list.SetNameValue(
        "ETag", CPLSPrintf("\"%llu\"",
                           static_cast<unsigned long long>(object.version)));
    return list.StealList();
}

char **VsiRadosCounters()
{
    struct vsirados_counts counts = {};
    struct vsirados_clusters *const clusters = VsiRadosClusters();
    if (clusters == nullptr)
        return nullptr;
    vsirados_clusters_count(clusters, &counts);
    const struct
    {
        const char *name;
        uint64_t value;
    } all[] = {{"READS", counts.reads},
               {"WRITES", counts.writes},
               {"REMOVALS", counts.removals},
               {"LISTINGS", counts.listings},
               {"BYTES_READ", counts.bytes_read},
               {"BYTES_WRITTEN", counts.bytes_written},
               {"CONNECTIONS", counts.connections}};
    CPLStringList list;
    for (const auto &one : all)
        list.SetNameValue(
            one.name,
            CPLSPrintf("%llu", static_cast<unsigned long long>(one.value)));
    return list.StealList();
}
