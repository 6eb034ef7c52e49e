-- SPDX-License-Identifier: Apache-2.0
--
-- What adapters are given beside the language, as `alert`: docs/adapters.md tells of each.
-- The parts in C come in; nothing here keeps anything from one delivery to the next.

local alert = ...
local get, text = alert.get, alert.text

-- Stops reading, with a sentence about what came in and not about the adapter.
function alert.refuse(sentence)
    error(sentence, 0)
end

-- The value when it can be walked as a list, else an empty one.
function alert.list(value)
    return type(value) == "table" and value or {}
end

-- The member at a path of names, each in any case.
function alert.at(object, ...)
    for _, name in ipairs({ ... }) do
        object = get(object, name)
    end
    return object
end

-- A list, from: a list; text that holds a list as JSON; words with commas between them.
function alert.words(value)
    if type(value) == "string" and value:find("^%s*%[") then
        value = alert.json(value)
    end
    local words = {}
    if type(value) == "table" then
        for _, word in ipairs(value) do
            if type(word) == "string" then words[#words + 1] = word end
        end
    elseif type(value) == "string" then
        for part in value:gmatch("[^,]+") do
            local first = part:find("[^ ]")
            local word = first and part:sub(first):match("^.*[^ ]")
            if word and word:lower() ~= "unknown" then words[#words + 1] = word end
        end
    end
    return words
end

-- Adds to list what is in each of the others.
function alert.join(list, ...)
    for _, other in ipairs({ ... }) do
        for _, item in ipairs(other) do list[#list + 1] = item end
    end
    return list
end

-- The first of the values that says how sure the sender is: a word or a score from 0 to 1.
function alert.confidence(...)
    local words = { low = "low", medium = "medium", high = "high" }
    local values = table.pack(...)
    for i = 1, values.n do
        local value = values[i]
        local word = type(value) == "string" and words[value:lower()]
        if word then return word end
        if type(value) == "number" and value >= 0 and value <= 1 then return value end
    end
end

-- -- ARM ids ------------------------------------------------------------------------------

-- "/subscriptions/S/resourceGroups/G/providers/P/T/N": what it says, or nil for what is none.
function alert.arm(id)
    if type(id) ~= "string" then return nil end
    local subscription = id:match("^/[sS][uU][bB][sS][cC][rR][iI][pP][tT][iI][oO][nN][sS]/([^/]+)")
    if not subscription then return nil end
    local group = id:match("^/[^/]+/[^/]+/[rR][eE][sS][oO][uU][rR][cC][eE][gG][rR][oO][uU][pP][sS]/([^/]+)")
    local provider, kind, name = id:match("/[pP][rR][oO][vV][iI][dD][eE][rR][sS]/([^/]+)/([^/]+)/([^/]+)")
    return {
        subscription = subscription,
        group = group,
        type = provider and provider .. "/" .. kind,
        name = name,
    }
end

-- Those of the values that are ARM ids, as a list.
function alert.resources(...)
    local found = {}
    local values = table.pack(...)
    for i = 1, values.n do
        if alert.arm(values[i]) then found[#found + 1] = values[i] end
    end
    return found
end

-- The subscription of the first of the values that is an ARM id.
function alert.subscription(...)
    local values = table.pack(...)
    for i = 1, values.n do
        local parts = alert.arm(values[i])
        if parts then return parts.subscription end
    end
end

-- -- Entities -----------------------------------------------------------------------------

-- Two texts with something between them, or one of them when the other is missing.
local function joined(first, between, second)
    if first and second then return first .. between .. second end
    return first or second
end

local function put(list, value)
    if value then list[#list + 1] = value end
end

local take = {}

-- Only addresses: what else stands there must not get into a firewall rule.
function take.ip(found, entity)
    put(found.ips, alert.ip(text(entity, "Address")))
end

function take.account(found, entity)
    local name, suffix = text(entity, "Name", "AccountName"), text(entity, "UPNSuffix")
    local domain = text(entity, "NTDomain")
    if not name then
        put(found.accounts, text(entity, "AadUserId"))
    elseif suffix then
        put(found.accounts, name .. "@" .. suffix)
    else
        put(found.accounts, joined(domain, "\\", name))
    end
end

function take.host(found, entity)
    local name = text(entity, "HostName", "NetBiosName")
    if name then put(found.hosts, joined(name, ".", text(entity, "DnsDomain"))) end
end

function take.url(found, entity)
    put(found.urls, text(entity, "Url"))
end

function take.file(found, entity)
    local name, folder = text(entity, "Name", "FileName"), text(entity, "Directory")
    if not name then return end
    local between = "/"
    if folder and folder:find("[/\\]$") then
        between = ""
    elseif folder and folder:find("\\", 1, true) then
        between = "\\"
    end
    put(found.files, joined(folder, between, name))
end

function take.azureresource(found, entity)
    if alert.arm(text(entity, "ResourceId")) then
        put(found.resources, text(entity, "ResourceId"))
    end
end

local DEPTH_MAX = 128 -- a chain of references may be longer than any nesting is deep

-- Each object is looked at once, so that references in a circle end. One to what is not there
-- is passed over: nothing can be taken from it, and the rest of the alert is still true.
local function visit(walk, value, depth)
    if type(value) ~= "table" or depth > DEPTH_MAX then return end
    local ref = value["$ref"]
    if type(ref) == "string" then value = walk.known[ref] end
    if value == nil or walk.seen[value] then return end
    walk.seen[value] = true
    if #value == 0 then
        local kind, entity = text(value, "Kind"), get(value, "Properties")
        if not kind or type(entity) ~= "table" then
            kind, entity = text(value, "Type"), value
        end
        local taker = kind and take[kind:lower():gsub("%-", "")]
        if taker then taker(walk.found, entity) end
    end
    for _, item in pairs(value) do visit(walk, item, depth + 1) end
end

-- What a list of entities names, "$id" and "$ref" resolved within document:
-- {ips, accounts, hosts, urls, files} and the list of resources.
function alert.entities(list, document)
    local found = { ips = {}, accounts = {}, hosts = {}, urls = {}, files = {}, resources = {} }
    if type(list) == "table" then
        visit({ found = found, seen = {}, known = alert.ids(document or list) }, list, 0)
    end
    local resources = found.resources
    found.resources = nil
    return found, resources
end

-- -- Envelopes ----------------------------------------------------------------------------

-- What an event says that is no alert by itself: Event Grid's and CloudEvents' envelope. When
-- an alert of a kind that is known lies in it, that one.
function alert.envelope(event)
    local data = event.data
    local kind = type(data) == "table" and alert.kind(data)
    if kind and kind ~= "generic" then return alert.as(kind, data) end
    local about = event.subject or event.source
    local resources = alert.resources(event.source, event.subject, text(data, "resourceUri", "resourceId"))
    return {
        id = event.id,
        source = event.kind,
        type = event.type,
        title = joined(event.type, ": ", about),
        severity = text(data, "severity") or "informational",
        time = alert.time(event.time),
        tenant = text(data, "tenantId"),
        subscription = alert.subscription(table.unpack(resources)),
        resources = resources,
    }
end
