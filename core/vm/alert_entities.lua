-- SPDX-License-Identifier: Apache-2.0
--
-- The library of adapters, continued: what an alert names. A collection (alert.found) takes
-- accounts, hosts, resources and statements about addresses from entities, evidence, properties
-- and activity log entries; alert.settle decides whose each address is.

local alert = ...
local get, text = alert.get, alert.text
local squeezed, shown, joined, put = alert.squeezed, alert.shown, alert.joined, alert.put
local is_ip = alert.ip -- an address or a prefix, in its one spelling

-- -- What an alert names ----------------------------------------------------------------------

-- An empty collection: what the functions below add to, and alert.settle() reads.
function alert.found()
    return {
        accounts = {}, hosts = {}, urls = {}, files = {}, resources = {}, children = {}, notes = {},
        child_keys = {}, addresses = {}, by_address = {}, connections = {}, attacked = {},
    }
end

-- Adds a sentence for people about what could not be read as it came.
function alert.note(found, sentence)
    put(found.notes, sentence)
end

local NOBODY = "00000000-0000-0000-0000-000000000000"

-- Whom Windows runs its own services as: it is the same on each machine, and nobody's.
local function is_machines_own(name)
    local domain = (name:match("^(.-)\\") or ""):lower()
    return domain == "nt authority" or domain == "nt service"
end

-- An account by its name or id; principal ids may come without their dashes.
function alert.account(found, name)
    if type(name) ~= "string" or name == "" then return end
    local a, b, c, d, e = name:match("^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x+)$")
    if e and #e == 12 then name = table.concat({ a, b, c, d, e }, "-") end
    if name ~= NOBODY and not is_machines_own(name) then put(found.accounts, name) end
end

-- -- Addresses, and whose they are: docs/decisions/0124 ---------------------------------------

local IP_MAX = 80 -- bytes of an address with brackets, a port and spaces around it

-- The text when it is one address, also with a port or in brackets, or as a prefix of one
-- address; else nil.
function alert.ip(value)
    if type(value) ~= "string" or #value > IP_MAX then return nil end
    value = value:match("^%s*(.-)%s*$")
    value = value:match("^(%d+%.%d+%.%d+%.%d+):%d+$") or value:match("^%[([%x:.]+)%]$")
        or value:match("^%[([%x:.]+)%]:%d+$") or value
    value = value:match("^(%x*:[%x:.]*)%%[%w.-]+$") or value -- fe80::1%eth0: with its zone
    value = value:match("^(%d+%.%d+%.%d+%.%d+)/32$") or value:match("^([%x:.]+)/128$") or value
    return not value:find("/", 1, true) and is_ip(value) or nil
end

-- The addresses in a text, a sentence, or a list of these.
function alert.addresses(value)
    value = alert.opened(value)
    local found = {}
    if type(value) == "string" then
        for word in value:gmatch("[%w.:/%%-]+") do
            word = word:match("^(.-)[.:/-]*$")
            put(found, alert.ip(word) or alert.ip(word:match("^%a+:(.*)$")))
        end
    end
    if type(value) == "table" then
        for _, item in pairs(value) do alert.join(found, alert.addresses(item)) end
    end
    return found
end

-- Adds an address. whose: "own", "clean", "attacker", "target" (the far end of a connection),
-- "aside" (named for context only) or nil, unknown.
function alert.address(found, value, whose)
    local ip = alert.ip(value)
    if not ip and type(value) == "string" and is_ip(value) then
        alert.note(found, '"' .. shown(value) .. '" is a prefix: it is no attacker, and stays in raw')
    end
    if not ip then return end
    local key = ip:lower()
    local one = found.by_address[key]
    if not one then
        one = { ip = ip }
        found.by_address[key] = one
        put(found.addresses, one)
    end
    one[whose or "unknown"] = true
end

local function many(found, value, whose)
    for _, ip in ipairs(alert.addresses(value)) do alert.address(found, ip, whose) end
end

local whose_role = {}
for whose, roles in pairs({
    own = "compromised attacked victim target targeted scanned edited impacted asset protected",
    attacker = "attacker attacking adversary commandandcontrol loader suspicious malicious",
    target = "destination",
    aside = "contextual",
}) do
    for role in roles:gmatch("%a+") do whose_role[role] = whose end
end

local whose_verdict = {
    malicious = "attacker", suspicious = "attacker",
    nothreatsfound = "clean", clean = "clean", benign = "clean", safe = "clean", notmalicious = "clean",
}

-- A member of an entity, which Sentinel may hold in additionalData.
local function member(entity, ...)
    local value = get(entity, ...)
    if value == nil then value = get(alert.opened(get(entity, "additionalData", "additionalFields")), ...) end
    return value
end

local function roles_of(entity)
    local said = {}
    for _, name in ipairs({ "roles", "role", "detailedRoles", "evidenceRole", "evidenceDirection" }) do
        for _, word in ipairs(alert.words(member(entity, name))) do
            said[whose_role[squeezed(word)] or "unknown"] = true
        end
    end
    return said
end

-- Whose the address of an entity is, by what the entity says of itself; nil, unknown. And whether
-- an own one is called an attacker's as well.
function alert.whose(entity)
    local asset, said = alert.truth(member(entity, "asset", "isAsset")), roles_of(entity)
    local verdict = member(entity, "verdict", "reputation")
    verdict = type(verdict) == "string" and whose_verdict[squeezed(verdict)] or nil
    if asset or said.own then return "own", said.attacker end
    if verdict == "clean" then return "clean" end
    local threats = member(entity, "threatIntelligence")
    if asset == false or said.attacker or verdict or (type(threats) == "table" and #threats > 0) then
        return "attacker"
    end
    return said.target and "target" or said.aside and not said.unknown and "aside" or nil
end

-- A network that nobody outside reaches: what connects from there to elsewhere is ours.
local function is_inside(ip)
    local a, b = ip:match("^(%d+)%.(%d+)%.")
    if a then
        a, b = tonumber(a), tonumber(b)
        return a == 10 or a == 127 or (a == 192 and b == 168) or (a == 172 and b >= 16 and b <= 31)
            or (a == 169 and b == 254) or (a == 100 and b >= 64 and b <= 127)
    end
    ip = ip:lower()
    return ip == "::1" or ip:find("^f[cd]%x%x:") ~= nil or ip:find("^fe[89ab]%x:") ~= nil
end

-- Both ends of a connection. That the far end is ours holds only when the near end is not.
local function connect(found, source, target)
    put(found.connections, { source = alert.ip(source), target = alert.ip(target) })
end

local function judge_connections(found)
    for _, one in ipairs(found.connections) do
        local source = one.source and found.by_address[one.source:lower()]
        local is_ours = one.source and (is_inside(one.source) or (source and source.own))
        local target = one.target and found.by_address[one.target:lower()]
        if source and is_ours then source.own = true end
        if target and is_ours then
            target.target, target.unknown = nil, true
        elseif target then
            target.target = true
        end
    end
end

-- The lists of the alert: {ips, assets, accounts, hosts, urls, files}, and the resources.
function alert.settle(found)
    judge_connections(found)
    local ips, assets = {}, {}
    for _, one in ipairs(found.addresses) do
        if one.own and one.attacker then
            alert.note(found, one.ip .. " is named both as an attacker's and as an own address:"
                .. " it is taken as an own one")
        end
        if one.own or (not one.attacker and (one.clean or one.target)) then
            put(assets, one.ip)
        elseif one.attacker or one.unknown then
            put(ips, one.ip)
        end
    end
    return {
        ips = ips, assets = assets, accounts = found.accounts, hosts = found.hosts,
        urls = found.urls, files = found.files,
    }, alert.ordered(found.resources, found.attacked)
end

-- -- Entities and evidence --------------------------------------------------------------------

-- Members that hold an address as a text, or an entity that is one: whose that makes it.
local positions = { attackerip = "attacker", attackeripaddress = "attacker" }
for whose, names in pairs({
    unknown = "senderip sourceaddress sourceip sourceipaddress remoteip remoteaddress remoteipaddress"
        .. " clientip clientipaddress callerip calleripaddress",
    target = "destinationaddress destinationip destinationipaddress",
    own = "localip localaddress localipaddress dnsserverip hostipaddress podip clusterip externalips"
        .. " natgatewayip",
}) do
    for name in names:gmatch("%a+") do positions[name] = whose end
end

-- Members of a host (device, network card) under which its own addresses stand.
local host_addresses = {}
for name in ("ipinterfaces lastipaddress lastexternalipaddress ipaddress ipaddresses ips publicip"
    .. " publicipaddress publicipaddresses privateip privateipaddress privateipaddresses internalip"
    .. " externalip localip networkadapters networkinterfaces networkcards nics adapters"
    .. " interfaces"):gmatch("%a+") do
    host_addresses[name] = true
end

local function resolved(walk, value)
    local ref = type(value) == "table" and value["$ref"]
    if type(ref) == "string" then return walk.known[ref] end
    return value
end

local DEPTH_MAX = 128 -- a chain of references may be longer than any nesting is deep

-- The addresses in each text below the value; references are followed, each object once.
local function read_texts(walk, value, whose, seen)
    value = resolved(walk, alert.opened(value))
    if type(value) == "string" then many(walk.found, value, whose) end
    if type(value) ~= "table" or seen[value] then return end
    seen[value] = true
    for _, item in pairs(value) do read_texts(walk, item, whose, seen) end
end

-- The addresses of a host: own ones, unless the sender says that it is no asset.
local function read_addresses(walk, host, members)
    local whose = alert.truth(member(host, "asset", "isAsset")) == false and "attacker" or "own"
    for name, value in pairs(alert.list(members)) do
        if type(name) == "string" and host_addresses[squeezed(name)] then
            read_texts(walk, value, whose, {})
        end
    end
end

-- The address of an entity, where it says so or is called so.
local function address_of(walk, value)
    value = resolved(walk, value)
    if type(value) == "string" then return value end
    return text(value, "Address", "ipAddress") or text(get(value, "Properties"), "Address", "ipAddress")
end

local take = {}

function take.ip(walk, entity, place)
    local whose, is_both = alert.whose(entity)
    local address = text(entity, "Address", "ipAddress", "friendlyName")
    if place and (whose == nil or place == "own") then whose = place end
    alert.address(walk.found, address, whose)
    if is_both then alert.address(walk.found, address, "attacker") end
end

function take.networkconnection(walk, entity)
    connect(walk.found, address_of(walk, get(entity, "SourceAddress")),
        address_of(walk, get(entity, "DestinationAddress")))
end

-- The member that holds what an entity is about, which is then read; else the entity.
local function inner_of(walk, entity, name)
    local inner = get(entity, name)
    if type(inner) ~= "table" then return entity end
    walk.seen[inner] = true
    return inner
end

function take.account(walk, entity)
    entity = inner_of(walk, entity, "userAccount")
    local name, suffix = text(entity, "Name", "AccountName"), text(entity, "UPNSuffix")
    local domain = text(entity, "NTDomain", "domainName")
    local full = text(entity, "userPrincipalName", "upn")
        or (name and suffix and name .. "@" .. suffix) or (name and joined(domain, "\\", name))
    alert.account(walk.found, full or text(entity, "AadUserId", "azureAdUserId", "friendlyName"))
end

-- A mailbox is its owner's account, which Graph has beside its address.
function take.mailbox(walk, entity)
    if type(get(entity, "userAccount")) == "table" then return end
    alert.account(walk.found, text(entity, "upn", "mailboxPrimaryAddress", "primaryAddress"))
end

function take.host(walk, entity)
    local name = text(entity, "HostName", "NetBiosName", "friendlyName")
    put(walk.found.hosts, text(entity, "deviceDnsName")
        or (name and joined(name, ".", text(entity, "DnsDomain"))))
    alert.join(walk.found.resources,
        alert.resources(get(entity, "azureID"), alert.at(entity, "vmMetadata", "resourceId")))
    read_addresses(walk, entity, entity)
    read_addresses(walk, entity, alert.opened(get(entity, "additionalData")))
end

function take.nic(walk, entity)
    read_addresses(walk, entity, entity)
end
take.iotdevice = take.nic

function take.url(walk, entity)
    put(walk.found.urls, text(entity, "Url", "friendlyName"))
end

function take.file(walk, entity)
    entity = inner_of(walk, entity, "fileDetails")
    local name, folder = text(entity, "Name", "FileName"), text(entity, "Directory", "filePath")
    if not name then return end
    local between = "/"
    if folder and folder:find("[/\\]$") then
        between = ""
    elseif folder and folder:find("\\", 1, true) then
        between = "\\"
    end
    put(walk.found.files, joined(folder, between, name))
end

function take.azureresource(walk, entity)
    local ids = alert.resources(text(entity, "ResourceId", "AzureResourceId", "resourceUri"))
    if ids[1] and alert.whose(entity) == "own" then walk.found.attacked[ids[1]:lower()] = true end
    alert.join(walk.found.resources, ids)
end

-- An incident names its alerts as entities.
function take.securityalert(walk, entity)
    put(walk.found.children, text(entity, "SystemAlertId", "AlertId", "ProviderAlertId", "VendorOriginalId"))
    alert.join(walk.found.child_keys, alert.child_keys(entity))
end

local other_names = {
    ipaddress = "ip", machine = "host", device = "host", user = "account",
    resource = "azureresource", cloudresource = "azureresource", alert = "securityalert",
}

-- Members that hold a thing of a kind, which Graph does not repeat there.
local kind_at = {
    useraccount = "account", imagefile = "file", parentprocessimagefile = "file", filedetails = "file",
}

-- What kind of thing an object is, and where its members stand: Graph says so in "@odata.type",
-- Sentinel in "kind" beside "properties", Defender in "Type". Graph leaves its type out where
-- the name of the member says it.
local function kind_of(value, name)
    local graph = text(value, "@odata.type")
    local kind, entity = text(value, "Kind"), get(value, "Properties")
    if graph then
        kind, entity = graph:match("%.(%a+)$") or "", value
    elseif not kind or type(entity) ~= "table" then
        kind, entity = text(value, "Type", "EntityType"), value
    end
    if kind then
        kind = squeezed(kind)
        kind = kind:match("^(.+)evidence$") or kind:match("^(.+)entity$") or kind
        kind = other_names[kind] or kind
    elseif text(value, "ipAddress") then
        kind = "ip"
    elseif text(value, "resourceId") then
        kind = "azureresource"
    elseif type(get(value, "userAccount")) == "table" then
        kind = "account"
    else
        kind = kind_at[name]
    end
    return kind, entity
end

local visit

local function visit_members(walk, value, depth)
    for name, item in pairs(value) do
        name = type(name) == "string" and squeezed(name) or nil
        if type(item) == "table" then
            visit(walk, item, name, depth + 1)
        elseif positions[name] then
            many(walk.found, item, positions[name])
        end
    end
end

-- Each object is looked at once, so that references in a circle end; only an address counts at
-- each place where it is named. A reference to what is not there is passed over: nothing can be
-- taken from it, and the rest of the alert is still true. name: of the member that it stands in.
function visit(walk, value, name, depth)
    local place = name and positions[name]
    value = resolved(walk, value)
    if type(value) ~= "table" or depth > DEPTH_MAX then return end
    if #value > 0 then
        if walk.seen[value] then return end
        walk.seen[value] = true
        for _, item in ipairs(value) do visit(walk, item, name, depth + 1) end
        return
    end
    local is_known = walk.seen[value]
    if is_known and not place then return end
    local kind, entity = kind_of(value, name)
    if alert.truth(member(entity, "isValid")) == false then return end
    if kind == "ip" then take.ip(walk, entity, place) end
    if is_known then return end
    walk.seen[value] = true
    if kind ~= "ip" and kind and take[kind] then take[kind](walk, entity) end
    visit_members(walk, value, depth)
end

-- Adds what a list of entities or of evidence names, "$id" and "$ref" resolved within document.
function alert.collect(found, list, document)
    local opened = alert.opened(list)
    if type(opened) == "string" and opened ~= "" then
        alert.note(found, "the entities are a text that holds no JSON list, and are not read")
    end
    if type(opened) ~= "table" then return end
    local known = alert.ids(type(list) == "table" and document or opened)
    visit({ found = found, seen = {}, known = known }, opened, nil, 0)
end

-- The same for an adapter that needs no more: the lists, and the resources.
function alert.entities(list, document)
    local found = alert.found()
    alert.collect(found, list, document)
    return alert.settle(found)
end

-- -- Properties that have names for people ----------------------------------------------------

-- "srcip", "attackerips": names that are written as one word.
local run_together = {}
for word in ("client caller source src remote attacker external public user origin actor destination"
    .. " dest dst victim target host server machine local internal private"):gmatch("%a+") do
    run_together[word] = true
end

-- The words of a name: "Attacker source IP", "clientIpAddress", "src_ip".
local function words_of(name)
    local words = {}
    for word in name:gsub("(%l)(%u)", "%1 %2"):gsub("IP([Aas])", "IP %1"):gmatch("%a+") do
        word = word:lower()
        local first = word:match("^(%a+)ips?$") or word:match("^(%a+)ipaddr$")
            or word:match("^(%a+)ipaddress$")
        words[word] = true
        if first and run_together[first] then words[first], words.ip = true, true end
    end
    return words
end

local function any(words, list)
    for word in list:gmatch("%a+") do
        if words[word] then return true end
    end
    return false
end

-- The words of a property's name that say whose the address is; the first line that fits counts.
local address_words = {
    { "attacker", "attacker attackers attacking malicious suspicious adversary threat actor" },
    { "own", "victim target targeted attacked compromised host machine server local internal private"
        .. " resource vm protected" },
    { "attacker", "attack" },
    { "target", "destination dest dst" },
}

-- A name with one of these words is about something else.
local other_words = "location country region port ports count number organization organisation asn mac email mail url"
    .. " version agent tool"

-- Whose address a property names: "Attacker source IP", "Client IP Address", "Destination IP".
-- nil when it is not about addresses. "Attackers" and "Victim" may hold addresses or names.
local function property_of(name, value)
    local words = words_of(name)
    if any(words, other_words) then return nil end
    local is_whole = type(value) == "string" and alert.ip(value) ~= nil
    if not any(words, "ip ips ipaddr ipaddress ipaddresses address addresses ipv attacker attackers adversary")
        and not (is_whole and any(words, "victim target compromised attacked")) then
        return nil
    end
    for _, one in ipairs(address_words) do
        if any(words, one[2]) then return one[1] end
    end
    return "unknown"
end

-- Adds the addresses in properties that are named so: values, lists, JSON in texts, sentences.
function alert.properties(found, object, depth)
    object, depth = alert.opened(object), depth or 0
    if type(object) ~= "table" or depth > 4 then return end
    for name, value in pairs(object) do
        local whose = type(name) == "string" and property_of(name, value) or nil
        value = alert.opened(value)
        if whose then
            many(found, value, whose)
        elseif type(value) == "table" then
            alert.properties(found, value, depth + 1)
        end
    end
    -- a property that is an item of a list: {"key": "Attacker IP", "value": ...}
    local name, value = text(object, "key", "name"), get(object, "value")
    local whose = name and value ~= nil and property_of(name, value)
    if whose then many(found, value, whose) end
end

-- -- The compromised entity -------------------------------------------------------------------

local function is_machine(id)
    local kind = (alert.arm(id).type or ""):lower()
    return kind:find("^microsoft%.compute/virtualmachine") ~= nil or kind:find("^microsoft%.hybridcompute/machines") ~= nil
end

-- The compromised entity has a name only: an address, or a machine where one was attacked.
function alert.compromised(found, event)
    local name = text(event, "CompromisedEntity")
    if not name or alert.arm(name) then return end
    alert.address(found, name, "own")
    local first = found.resources[1]
    local about = (text(event, "attackedResourceType", "resourceType") or ""):lower()
    local is_one = about == "virtual machine" or (first and is_machine(first))
    if is_one and not alert.ip(name) and #found.hosts == 0 then alert.join(found.hosts, { name }) end
end

-- -- Who did it: entries of the activity log --------------------------------------------------

-- The claims of a token by the last parts of their names, which may be addresses of schemas.
local function claims_of(entry)
    local claims = {}
    local all = alert.opened(get(entry, "claims")) or alert.at(entry, "identity", "claims")
    for name, value in pairs(alert.list(alert.opened(all))) do
        local last = type(name) == "string" and type(value) == "string" and name:match("([^/]+)$")
        if last then claims[last:lower()] = value end
    end
    return claims
end

-- The caller of an operation, and where it called from.
function alert.actor(found, entry)
    local claims = claims_of(entry)
    local upn = claims.upn or claims.unique_name or claims.emailaddress
    local caller = text(entry, "caller")
    local evidence = alert.opened(alert.at(entry, "authorization", "evidence")
        or alert.at(entry, "identity", "authorization", "evidence"))
    alert.account(found, upn)
    alert.account(found, caller)
    if (text(evidence, "principalType") or ""):lower() ~= "group" then
        alert.account(found, text(evidence, "principalId"))
    end
    if not upn and not caller then
        alert.account(found, claims.objectidentifier or claims.oid or claims.appid)
    end
    many(found, text(alert.opened(get(entry, "httpRequest")), "clientIpAddress"))
    many(found, text(entry, "callerIpAddress", "clientIpAddress"))
    many(found, claims.ipaddr)
    local name = text(entry, "userName")
    if name then alert.account(found, joined(text(entry, "domainName"), "\\", name)) end
end
