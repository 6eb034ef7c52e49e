-- SPDX-License-Identifier: Apache-2.0
--
-- The library of adapters beside the language, as `alert`: docs/adapters.md lists the functions.
-- This file reads values, words and ids, and opens envelopes; alert_entities.lua reads what an
-- alert names, alert_identity.lua which alert it is and how it stands. The parts in C come in; nothing here keeps anything from one delivery to the next.

local alert = ...
local get, text = alert.get, alert.text
local is_time = alert.time -- of the exact form

-- Stops reading, with a sentence about what came in and not about the adapter.
function alert.refuse(sentence)
    error(sentence, 0)
end

-- -- Values and their encodings -------------------------------------------------------------

-- The value when it can be walked as a list, else an empty one.
function alert.list(value)
    return type(value) == "table" and value or {}
end

local ENCODED_MAX = 3 -- how often a workflow may have made a text of a text

-- The value; of a text that holds a JSON object or list, that object or list. A byte order mark
-- may stand in front, and the text may itself stand as JSON in a text.
function alert.opened(value)
    local inner = value
    for _ = 1, ENCODED_MAX do
        if type(inner) ~= "string" then break end
        local json = inner:match("^\239\187\191(.*)$") or inner
        inner = json:find("^%s*[%[{\"]") and alert.json(json) or nil
    end
    return type(inner) == "table" and inner or value
end

-- The member at a path of names, each in any case; JSON in texts on the way is opened.
function alert.at(object, ...)
    for _, name in ipairs({ ... }) do
        object = get(alert.opened(object), name)
    end
    return object
end

-- The first text at one of the names in a table of spellings.
function alert.named(object, names)
    return text(object, table.unpack(names))
end

-- A name or a word without regard to case, spaces and signs: "Attacker IP" and "attackerIp".
function alert.squeezed(word)
    return (word:lower():gsub("[^%w]", ""))
end

-- For a sentence about what came in: no control characters, and not too long.
function alert.shown(value)
    return (tostring(value):gsub("[^\32-\126]", "?"):sub(1, 60))
end

-- Two texts with something between them, or one of them when the other is missing.
function alert.joined(first, between, second)
    if first and second then return first .. between .. second end
    return first or second
end

-- Adds the value unless it is nil.
function alert.put(list, value)
    if value ~= nil then list[#list + 1] = value end
end

local squeezed, shown, joined, put = alert.squeezed, alert.shown, alert.joined, alert.put

-- True or false of a boolean, a number or a word; nil of anything else.
local truths = { ["true"] = true, yes = true, ["1"] = true, ["false"] = false, no = false, ["0"] = false }

function alert.truth(value)
    if type(value) == "boolean" then return value end
    if type(value) == "number" then return value ~= 0 end
    if type(value) == "string" then return truths[value:lower()] end
end

-- A list, from: a list; text that holds a list as JSON; words with commas between them.
function alert.words(value)
    value = alert.opened(value)
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

-- The items of list that are not the one.
function alert.others(list, one)
    local others = {}
    for _, item in ipairs(list) do
        if item ~= one then others[#others + 1] = item end
    end
    return others
end

-- The first of the values that says how sure the sender is: a word or a score from 0 to 1.
function alert.confidence(...)
    local words = { low = "low", medium = "medium", high = "high" }
    local values = table.pack(...)
    for i = 1, values.n do
        local value = values[i]
        local word = type(value) == "string" and words[value:lower()]
        if word then return word end
        value = tonumber(value)
        if value and value >= 0 and value <= 1 then return value end
    end
end

-- -- Severity, tactics, time ----------------------------------------------------------------

local severities = {
    high = { "high", "critical", "error", "severe", "sev0", "sev1" },
    medium = { "medium", "moderate", "warning", "sev2" },
    low = { "low", "minor", "sev3" },
    informational = { "informational", "information", "info", "verbose", "silent", "sev4" },
}
local severity_of = {}
for ours, words in pairs(severities) do
    for _, word in ipairs(words) do severity_of[word] = ours end
end

-- Our word for a sender's, nil for one that is none.
function alert.severity(word)
    return type(word) == "string" and severity_of[squeezed(word)] or nil
end

-- The same for a security alert: without a severity that can be read it is refused, and never
-- taken for a lesser one.
function alert.graded(what, object, names)
    local word = alert.named(object, names) or get(object, table.unpack(names))
    if word == nil or word == "" then alert.refuse(what .. " has no Severity") end
    return alert.severity(word)
        or alert.refuse(what .. "'s severity is \"" .. shown(word)
            .. "\": want High, Medium, Low or Informational")
end

local tactic_of = {}
for tactic in ("Reconnaissance ResourceDevelopment InitialAccess Execution Persistence "
    .. "PrivilegeEscalation DefenseEvasion CredentialAccess Discovery LateralMovement Collection "
    .. "CommandAndControl Exfiltration Impact"):gmatch("%a+") do
    tactic_of[tactic:lower()] = tactic
end

-- Those of the words that are one of ATT&CK's fourteen tactics. keeps_others: other words too,
-- as they are (Defender's PreAttack, Probing).
function alert.tactics(value, keeps_others)
    local tactics = {}
    for _, word in ipairs(alert.words(value)) do
        put(tactics, tactic_of[squeezed(word)] or (keeps_others and word or nil))
    end
    return tactics
end

-- Techniques by their numbers, also where a name stands beside them: "Phishing (T1566)".
function alert.techniques(...)
    local techniques, values = {}, table.pack(...)
    for i = 1, values.n do
        for _, word in ipairs(alert.words(values[i])) do
            local number = word:match("[Tt]%d%d%d%d%.%d%d%d") or word:match("[Tt]%d%d%d%d")
            put(techniques, number and number:upper() or word)
        end
    end
    return techniques
end

-- RFC 3339 of a time as senders write it: with a space, without a zone (Azure's times are UTC),
-- with a zone without a colon. nil of anything else, and of the zero dates of languages.
function alert.time(value)
    if type(value) ~= "string" then return nil end
    local date, time, zone = value:match("^(%d%d%d%d%-%d%d%-%d%d)[Tt ](%d%d:%d%d:%d%d%.?%d*) ?(.-)$")
    if not date or date < "1990" then return nil end
    local hours, minutes = zone:match("^([+-]%d%d)(%d%d)$")
    if hours then
        zone = hours .. ":" .. minutes
    elseif zone == "" or zone:upper() == "UTC" or zone:upper() == "GMT" then
        zone = "Z"
    end
    return is_time(date .. "T" .. time .. zone)
end

-- The time at the first of the names where one can be read. One that cannot is noted; when there
-- is no other, it is handed on as it is: the time of the arrival then stands for it.
function alert.when(found, object, names)
    local broken
    for _, name in ipairs(names) do
        local value = get(object, name)
        local time = alert.time(value)
        if time then
            if broken then
                alert.note(found, 'the time "' .. shown(broken) .. '" cannot be read: '
                    .. name .. " stands for it")
            end
            return time
        end
        if (type(value) == "string" and value ~= "") or type(value) == "number" then
            broken = broken or value
        end
    end
    return broken and shown(broken)
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

-- The id without what senders put around it: spaces, the address of ARM in front, a slash at the
-- end or none at the beginning.
local function bare_id(value)
    if type(value) ~= "string" then return nil end
    local id = value:match("^%s*(.-)/*%s*$"):gsub("^[hH][tT][tT][pP][sS]://management%.[%w.-]+", "")
    return id:sub(1, 14):lower() == "subscriptions/" and "/" .. id or id
end

-- Those of the values that are ARM ids, as a list.
function alert.resources(...)
    local found = {}
    local values = table.pack(...)
    for i = 1, values.n do
        local id = bare_id(values[i])
        if alert.arm(id) then found[#found + 1] = id end
    end
    return found
end

-- The subscription of the first of the values that is an ARM id.
function alert.subscription(...)
    local values = table.pack(...)
    for i = 1, values.n do
        local parts = alert.arm(bare_id(values[i]))
        if parts then return parts.subscription end
    end
end

-- -- Envelopes ----------------------------------------------------------------------------

-- Names that nothing but a security alert has.
local telltales = { "SystemAlertId", "AlertSeverity", "ReportedSeverity", "AlertDisplayName" }

local alert_types = {
    "^microsoft%.security/.*alerts$", "^microsoft%.securityinsights/incidents$",
    "^#?microsoft%.graph%..*alert$", "^#?microsoft%.graph%..*incident$",
}

-- Does an object say by its type that it is a security alert?
local function is_typed_alert(value)
    for _, name in ipairs({ "type", "@odata.type" }) do
        local kind = (text(value, name) or ""):lower()
        for _, pattern in ipairs(alert_types) do
            if kind:find(pattern) then return true end
        end
    end
    return false
end

-- The same by its members.
local function is_like_an_alert(value)
    return alert.named(value, telltales) ~= nil or alert.named(get(value, "properties"), telltales) ~= nil
end

-- The words of a security product in the type of an event.
local function is_about_an_alert(kind)
    kind = kind:lower()
    local product = kind:find("defender", 1, true) or kind:find("securit", 1, true)
        or kind:find("sentinel", 1, true)
    return kind:find("alert", 1, true) ~= nil and product ~= nil
end

-- An alert by itself: what happened, to what, and who did it.
local function from_envelope(event, data)
    local found = alert.found()
    local own = alert.severity(text(data, "severity", "AlertSeverity", "ReportedSeverity"))
    if is_typed_alert(data) or (not own and (is_like_an_alert(data) or is_about_an_alert(event.type))) then
        alert.refuse("the event " .. shown(event.type) .. " holds a security alert of a form that is not"
            .. " known: want one of Defender for Cloud, Sentinel, Graph or Defender XDR as data")
    end
    local word = text(data, "severity")
    if not own and word then
        alert.note(found, 'the severity "' .. shown(word) .. '" is not known: informational')
    end
    alert.actor(found, data)
    local entities, resources = alert.settle(found)
    local about = alert.resources(text(data, "resourceUri", "resourceId"), event.subject, event.source)
    resources = alert.join(about, resources)
    return {
        id = event.id,
        source = event.kind,
        type = event.type,
        title = joined(event.type, ": ", event.subject or event.source),
        severity = own or "informational",
        time = alert.when(found, event, { "time" }),
        tenant = text(data, "tenantId"),
        subscription = alert.subscription(table.unpack(resources)),
        resources = resources,
        entities = entities,
        notes = found.notes,
    }
end

-- The items of data that is a list, or an object around one.
local function items_of(data)
    local list = type(data) == "table" and (#data > 0 and data or get(data, "value", "records"))
    return type(list) == "table" and #list > 0 and list or nil
end

-- What an adapter makes of what lies in an event: an alert without a time has that of the event.
local function read_inside(event, kind, data)
    local read = alert.as(kind, data)
    if type(read) == "table" and read.id ~= nil and read.fetch == nil and read.time == nil then
        read.time = alert.time(event.time)
    end
    return read
end

-- What an event of Event Grid or CloudEvents says. An alert of a kind that is known in its data,
-- or each alert in a list of them, is read as that.
function alert.envelope(event)
    local data = alert.opened(event.data)
    local kind = type(data) == "table" and alert.kind(data)
    if kind and kind ~= "generic" then return read_inside(event, kind, data) end
    local alerts, is_known = {}, false
    for _, one in ipairs(items_of(data) or {}) do
        local its = alert.kind(one)
        if its and its ~= "generic" then
            local read = read_inside(event, its, one)
            is_known = true
            alert.join(alerts, read and (#read > 0 and read or { read }) or {})
        elseif is_typed_alert(one) or is_like_an_alert(one) then
            from_envelope(event, one)
        end
    end
    if is_known then return alerts end
    return from_envelope(event, data)
end
