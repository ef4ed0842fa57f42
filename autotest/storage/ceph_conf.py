# SPDX-License-Identifier: MIT
"""The ceph.conf of a throw-away cluster of one node on loopback."""

# See Cluster.rados_requests().
LOGGED_REQUESTS = 30000

TEMPLATE = """\
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon_port}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = {directory}/keyring
run dir = {directory}/run
crash dir = {directory}/run
log file = {directory}/log/$name.log
log to stderr = false
# One OSD has one copy of everything.
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon allow pool delete = true
mon max pg per osd = 10000
# Changes of the maps are not gathered for a second first.
paxos propose interval = 0.02
paxos min wait = 0.01
mon data avail warn = 1
mon data avail crit = 0

[mon]
mon data = {directory}/mon
mon compact on start = false
mon cluster log file = {directory}/log/cluster.log
admin socket = {directory}/run/$name.asok

[osd]
osd data = {directory}/osd
osd journal = {directory}/osd/journal
osd objectstore = {objectstore}
osd class update on start = true
osd crush update on start = false
osd max object name len = 256
osd max object namespace len = 64
osd memory target = 1G
osd numa auto affinity = false
# What is in memory is saved when it is asked to end.
osd fast shutdown = false
memstore device bytes = 4G
bluestore block size = 4G
bluestore block db create = false
bluestore block wal create = false
# A gateway that was killed is not waited for.
osd client watch timeout = 2
# The log of requests.
osd op history size = {logged}
osd op history duration = 3600
admin socket = {directory}/run/$name.asok

[client.rgw]
rgw data = {directory}/rgw
# Without tcp_nodelay each GET takes 40 ms.
rgw frontends = beast endpoint=127.0.0.1:{rgw_port} tcp_nodelay=1
rgw thread pool size = 32
rgw enable usage log = false
rgw run sync thread = false
rgw enable lc threads = false
rgw dynamic resharding = false
rgw override bucket index max shards = 1
# It looks for an OSD that was restarted sooner than after ten seconds.
objecter timeout = 2
objecter tick interval = 0.5
client notify timeout = 2
rgw keystone url = http://127.0.0.1:{keystone_port}
rgw keystone api version = 3
rgw keystone admin token = {admin_token}
rgw keystone accepted roles = member
rgw keystone verify ssl = false
admin socket = {directory}/run/$name.asok
"""

# Who may do what: name, then the capabilities.
KEYS = {
    "mon.": ("mon", "allow *"),
    "client.admin": ("mon", "allow *", "osd", "allow *", "mgr", "allow *"),
    "osd.0": ("mon", "allow profile osd", "osd", "allow *"),
    "client.rgw": ("mon", "allow rw", "osd", "allow rwx"),
    "client.reader": ("mon", "allow r", "osd", "allow r"),
}
