// SPDX-License-Identifier: MIT
// Locks that keep a second writer off, as of struct pyr_tree.
#include "vsi_lock.h"

#include "vsi_out.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string>
#include <vector>

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct pyr_lock
{
    int descriptor = -1; // -1: there are no locks here
    std::string path{};
};

namespace
{

// The file may be removed by its holder while it is being opened.
constexpr int MAX_TRIES = 100;
constexpr size_t MAX_OWNER_BYTES = 512;

std::string HostName()
{
    char name[256] = "";
    if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
        return "unknown";
    return name;
}

std::string UserName()
{
    struct passwd entry = {};
    struct passwd *found = nullptr;
    std::vector<char> buffer(16384);
    const uid_t id = geteuid();
    if (getpwuid_r(id, &entry, buffer.data(), buffer.size(), &found) == 0 &&
        found != nullptr && found->pw_name[0] != '\0')
        return found->pw_name;
    return std::to_string(id);
}

// Whoever comes in vain reads this; that it cannot be written is no reason to
// give up.
void WriteOwner(int descriptor)
{
    const std::string text =
        std::to_string(getpid()) + " " + HostName() + " " + UserName() + " " +
        std::to_string(static_cast<long long>(time(nullptr))) + "\n";
    if (ftruncate(descriptor, 0) == 0 &&
        pwrite(descriptor, text.data(), text.size(), 0) < 0)
        errno = 0;
}

// The next word, and what is left behind it.
std::string TakeWord(std::string *text)
{
    const size_t end = text->find_first_of(" \n");
    const std::string word = text->substr(0, end);
    *text = end == std::string::npos ? "" : text->substr(end + 1);
    for (const char c : word)
        if (static_cast<unsigned char>(c) <= ' ' || c == 127)
            return "";
    return word;
}

enum pyr_result FailAsHeld(int descriptor, struct pyr_error *err)
{
    char buffer[MAX_OWNER_BYTES];
    const ssize_t nbytes = pread(descriptor, buffer, sizeof(buffer), 0);
    std::string text(buffer, nbytes > 0 ? static_cast<size_t>(nbytes) : 0);
    const std::string process = TakeWord(&text);
    const std::string host = TakeWord(&text);
    const std::string user = TakeWord(&text);
    const std::string start = TakeWord(&text);
    if (process.empty() || host.empty() || user.empty() || start.empty())
        return pyr_fail(err, PYR_USAGE, "is being written by another process");
    const long long age = static_cast<long long>(time(nullptr)) -
                          strtoll(start.c_str(), nullptr, 10);
    return pyr_fail(
        err, PYR_USAGE, "is being written by process %s of %s on %s for %lld s",
        process.c_str(), user.c_str(), host.c_str(), age > 0 ? age : 0);
}

// Whether the path still leads to the open file.
bool IsThere(const std::string &path, int descriptor)
{
    struct stat open_info = {};
    struct stat path_info = {};
    return fstat(descriptor, &open_info) == 0 &&
           lstat(path.c_str(), &path_info) == 0 &&
           open_info.st_dev == path_info.st_dev &&
           open_info.st_ino == path_info.st_ino;
}

bool HasNoLocks(int error)
{
    return error == ENOSYS || error == ENOTSUP || error == EOPNOTSUPP ||
           error == ENOLCK;
}

// Opens the file and locks it. Without a descriptor in the lock and with
// PYR_OK, it was removed meanwhile.
enum pyr_result TryToTake(struct pyr_lock *lock, struct pyr_error *err)
{
    int descriptor =
        open(lock->path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW,
             0666); // less the umask
    // What another user left, who was killed.
    if (descriptor < 0 && errno == EACCES)
    {
        descriptor =
            open(lock->path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        errno = EACCES; // where there is none
    }
    if (descriptor < 0)
        return pyr_fail(err, PYR_IO, "cannot be written: %s: %s",
                        lock->path.c_str(), strerror(errno));
    int locked = -1;
    do
        locked = flock(descriptor, LOCK_EX | LOCK_NB);
    while (locked != 0 && errno == EINTR);
    const int error = locked == 0 ? 0 : errno;
    enum pyr_result result = PYR_OK;
    if (error == EWOULDBLOCK)
        result = FailAsHeld(descriptor, err);
    else if (error != 0 && !HasNoLocks(error))
        result = pyr_fail(err, PYR_IO, "cannot be locked: %s", strerror(error));
    if (result == PYR_OK && IsThere(lock->path, descriptor))
        lock->descriptor = descriptor;
    else
        close(descriptor);
    return result;
}

} // namespace

enum pyr_result vsi_lock_take(void *, const char *path,
                              struct pyr_lock **out_lock, struct pyr_error *err)
{
    struct pyr_lock *const lock = new (std::nothrow) pyr_lock;
    if (lock == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    lock->path = path;
    enum pyr_result result = PYR_OK;
    const bool local = vsi_out_is_local(path);
    for (int i = 0; local && result == PYR_OK && lock->descriptor < 0; i++)
        result = i < MAX_TRIES
                     ? TryToTake(lock, err)
                     : pyr_fail(err, PYR_IO, "%s comes and goes", path);
    if (result != PYR_OK)
    {
        delete lock;
        return result;
    }
    if (local)
        WriteOwner(lock->descriptor);
    *out_lock = lock;
    return PYR_OK;
}

void vsi_lock_release(struct pyr_lock *lock)
{
    if (lock == nullptr)
        return;
    if (lock->descriptor >= 0)
    {
        // While it is held: whoever has it open by now will look again.
        unlink(lock->path.c_str());
        close(lock->descriptor);
    }
    delete lock;
}
