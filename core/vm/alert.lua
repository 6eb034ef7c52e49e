-- SPDX-License-Identifier: Apache-2.0
--
-- The library of adapters beside the language, as `alert`: docs/adapters.md lists the functions.
-- The parts in C come in; nothing here keeps anything from one delivery to the next.

local alert = ...
local get, text = alert.get, alert.text
local is_time, is_ip = alert.time, alert.ip -- of the exact form

-- Stops reading, with a sentence about what came in and not about the adapter.
function alert.refuse(sentence)
    error(sentence, 0)
end

-- -- Values and their encodings -------------------------------------------------------------

-- The value when it can be walked as a list, else an empty one.
function alert.list(value)
    return type(value) == "table" and value or {}
end

-- The value; of a text that holds a JSON object or list, that object or list.
function alert.opened(value)
    if type(value) == "string" and value:find("^%s*[%[{]") then return alert.json(value) or value end
    return value
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
local function squeezed(word)
    return (word:lower():gsub("[^%w]", ""))
end

-- For a sentence about what came in: no control characters, and not too long.
local function shown(value)
    return (tostring(value):gsub("[^\32-\126]", "?"):sub(1, 60))
end

local function put(list, value)
    if value ~= nil then list[#list + 1] = value end
end

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

-- -- Over, simulated, and whose alert it is: docs/decisions/0128 --------------------------------

local function set_of(words)
    local set = {}
    for word in words:gmatch("[%w-]+") do set[word] = true end
    return set
end

-- What people or products judge an alert to be when nobody attacks.
local judgements = set_of("falsepositive benignpositive benign truepositivebenign informationalexpectedactivity"
    .. " expected expectedactivity expectedbehavior suspiciousbutexpected notmalicious securitytesting securitytest"
    .. " confirmedactivity confirmeduseractivity lineofbusinessapplication")

local endings = set_of("resolved closed dismissed redirected")

-- The status, and whether the alert is over because one of the values (classification,
-- determination, feedback) judges it false or expected. An alert that is over by its status
-- alone needs no more: the core knows these words.
function alert.state(status, ...)
    local values = table.pack(...)
    for i = 1, values.n do
        local word = type(values[i]) == "string" and squeezed(values[i])
        if word and judgements[word] then
            local is_ended = type(status) == "string" and endings[squeezed(status)]
            return is_ended and status or word, true
        end
    end
    return status, nil
end

local sample_titles = { "^%s*%[sample alert%]", "^%s*%[sample%]", "^%s*%[test ?alert%]", "^%s*sample alert", "^%s*test alert",
    "^%s*this is a sample alert", "^%s*%[simulated%]", "^%s*simulated alert" }

-- True when one of the texts (title, description, type, provider) says that nothing happened:
-- the product made the alert for a test. Only the beginning of a title counts: a file's name
-- further behind could say anything.
function alert.simulated(...)
    local values = table.pack(...)
    for i = 1, values.n do
        local value = type(values[i]) == "string" and values[i]:lower() or ""
        if value == "alertsimulator" or value:find("^simulated_") or value:find("^sample_") then return true end
        for _, pattern in ipairs(sample_titles) do
            if value:find(pattern) then return true end
        end
    end
end

-- The simulator names itself as the provider of threat intelligence, at any depth.
function alert.has_simulator(value, depth)
    value, depth = alert.opened(value), depth or 0
    if type(value) ~= "table" or depth > 6 then return nil end
    for name, item in pairs(value) do
        if type(item) == "table" then
            if alert.has_simulator(item, depth + 1) then return true end
        elseif type(name) == "string" and squeezed(name) == "providername" and type(item) == "string"
            and squeezed(item) == "alertsimulator" then
            return true
        end
    end
end

local products = {
    ["defender-for-cloud"] = "azuresecuritycenter microsoftdefenderforcloud azuredefender microsoftazuredefender"
        .. " microsoftdefenderforservers microsoftdefenderforstorage microsoftdefenderfordns"
        .. " microsoftdefenderfordatabases microsoftdefenderforcontainers microsoftdefenderfornetwork"
        .. " microsoftdefenderforappservice microsoftdefenderforkeyvault microsoftdefenderforresourcemanager"
        .. " microsoftdefenderforapimanagement microsoftdefenderforapis microsoftdefenderforsql"
        .. " microsoftdefenderforkubernetes microsoftdefenderforcosmosdb microsoftdefenderforai defenderforcloud",
    ["sentinel"] = "azuresentinel microsoftsentinel nrtalerts scheduledalerts",
    ["defender-for-endpoint"] = "microsoftdefenderforendpoint microsoftdefenderadvancedthreatprotection mdatp"
        .. " windowsdefenderatp microsoftdefenderatp",
    ["defender-for-identity"] = "microsoftdefenderforidentity azureadvancedthreatprotection",
    ["defender-for-office-365"] = "microsoftdefenderforoffice365 office365advancedthreatprotection officeatp",
    ["defender-for-cloud-apps"] = "microsoftdefenderforcloudapps microsoftcloudappsecurity cloudappsecurity",
    ["defender-for-iot"] = "microsoftdefenderforiot azuresecuritycenterforiot",
    ["defender-xdr"] = "microsoft365defender microsoftdefenderxdr m365defender microsoftxdr",
    ["entra-id-protection"] = "azureadidentityprotection azureactivedirectoryidentityprotection"
        .. " microsoftentraidprotection aadidentityprotection",
}
local product_of = {}
for product, words in pairs(products) do
    for word in words:gmatch("%w+") do product_of[word] = product end
end

-- Our word for the first of a sender's words for a product; nil when none is known.
function alert.product(...)
    local values = table.pack(...)
    for i = 1, values.n do
        local product = type(values[i]) == "string" and product_of[squeezed(values[i])]
        if product then return product end
    end
end

local GUID = ("%x"):rep(8) .. ("%-" .. ("%x"):rep(4)):rep(4) .. ("%x"):rep(8)

-- What an alert is recognised by, whoever hands it on: an id that is unique by its form (it
-- holds a GUID, or 16 digits and more) stands for itself, another one belongs to its product.
function alert.key(product, id)
    if type(id) ~= "string" or id == "" then return nil end
    id = id:lower()
    local _, digits = id:gsub("%d", "")
    if id:find(GUID) and not id:find("^0+%-0+%-0+%-0+%-0+$") then return id end
    if digits >= 16 and id:find("[1-9]") then return id end
    return product and product .. ":" .. id or nil
end

-- The keys of these ids, each once.
function alert.keys(product, ...)
    local keys, seen, values = {}, {}, table.pack(...)
    for i = 1, values.n do
        local key = alert.key(product, values[i])
        if key and not seen[key] then
            seen[key] = true
            put(keys, key)
        end
    end
    return keys
end

-- The keys of an alert that an incident names. One whose product is not told is taken as
-- Defender for Cloud's, whose alerts Sentinel's incidents hold most.
function alert.child_keys(one)
    local product = alert.product(text(one, "serviceSource"), text(one, "detectionSource"), text(one, "productName"),
        text(one, "providerName"))
    return alert.keys(product or "defender-for-cloud", text(one, "systemAlertId"), text(one, "providerAlertId"),
        text(one, "vendorOriginalId"), text(one, "alertId", "id"))
end

-- What an id names beside the attacked resource itself: the plan of a site, a workspace, a
-- network card. A resource group and a subscription come last.
local context = set_of("microsoft-web-serverfarms microsoft-operationalinsights-workspaces microsoft-network-networkinterfaces"
    .. " microsoft-network-publicipaddresses microsoft-network-virtualnetworks microsoft-compute-disks"
    .. " microsoft-insights-components microsoft-managedidentity-userassignedidentities")

local function rank_of(id)
    local parts = alert.arm(id)
    if not parts then return 4 end
    local kind = parts.type and parts.type:lower()
    if not kind then return parts.group and 2 or 3 end
    if kind:find("^microsoft%.security/") or kind:find("^microsoft%.securityinsights/")
        or kind:find("^microsoft%.alertsmanagement/") then
        return 2
    end
    return context[(kind:gsub("[./]", "-"))] and 1 or 0
end

-- The resources with the attacked one first: an id of a thing before the things around it, a
-- resource before its group and its subscription; otherwise in the sender's order.
function alert.ordered(resources, attacked)
    local ranked, seen = {}, {}
    for rank = -1, 4 do
        for _, id in ipairs(resources) do
            local its = attacked and attacked[id:lower()] and rank_of(id) == 0 and -1 or rank_of(id)
            if its == rank and not seen[id:lower()] then
                seen[id:lower()] = true
                put(ranked, id)
            end
        end
    end
    return ranked
end

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

-- An account by its name or id; principal ids may come without their dashes.
function alert.account(found, name)
    if type(name) ~= "string" or name == "" then return end
    local a, b, c, d, e = name:match("^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x+)$")
    if e and #e == 12 then name = table.concat({ a, b, c, d, e }, "-") end
    if name ~= NOBODY then put(found.accounts, name) end
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

-- Whose the address of an entity is, by what the entity says of itself; nil, unknown.
function alert.whose(entity)
    local asset, said = alert.truth(member(entity, "asset", "isAsset")), roles_of(entity)
    local verdict = member(entity, "verdict", "reputation")
    verdict = type(verdict) == "string" and whose_verdict[squeezed(verdict)] or nil
    if asset or said.own then return "own" end
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
            alert.note(found, one.ip .. " is named both as an attacker's and as an own address: it is taken as an own one")
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

-- Two texts with something between them, or one of them when the other is missing.
local function joined(first, between, second)
    if first and second then return first .. between .. second end
    return first or second
end

-- Members that hold an address as a text, or an entity that is one: whose that makes it.
local positions = { attackerip = "attacker", attackeripaddress = "attacker" }
for whose, names in pairs({
    unknown = "senderip sourceaddress sourceip sourceipaddress remoteip remoteaddress remoteipaddress clientip clientipaddress callerip calleripaddress",
    target = "destinationaddress destinationip destinationipaddress",
    own = "localip localaddress localipaddress dnsserverip hostipaddress podip clusterip externalips natgatewayip",
}) do
    for name in names:gmatch("%a+") do positions[name] = whose end
end

-- Members of a host (device, network card) under which its own addresses stand.
local host_addresses = {}
for name in ("ipinterfaces lastipaddress lastexternalipaddress ipaddress ipaddresses ips publicip publicipaddress "
    .. "publicipaddresses privateip privateipaddress privateipaddresses internalip externalip localip networkadapters "
    .. "networkinterfaces networkcards nics adapters interfaces"):gmatch("%a+") do
    host_addresses[name] = true
end

local function resolved(walk, value)
    local ref = type(value) == "table" and value["$ref"]
    if type(ref) == "string" then return walk.known[ref] end
    return value
end

local DEPTH_MAX = 128 -- a chain of references may be longer than any nesting is deep

-- The addresses in each text below the value are own; references are followed, each object once.
local function own_texts(walk, value, seen)
    value = resolved(walk, alert.opened(value))
    if type(value) == "string" then many(walk.found, value, "own") end
    if type(value) ~= "table" or seen[value] then return end
    seen[value] = true
    for _, item in pairs(value) do own_texts(walk, item, seen) end
end

local function own_addresses(walk, host)
    if type(host) ~= "table" then return end
    for name, value in pairs(host) do
        if type(name) == "string" and host_addresses[squeezed(name)] then own_texts(walk, value, {}) end
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
    local whose = alert.whose(entity)
    if place and (whose == nil or place == "own") then whose = place end
    alert.address(walk.found, text(entity, "Address", "ipAddress", "friendlyName"), whose)
end

function take.networkconnection(walk, entity)
    connect(walk.found, address_of(walk, get(entity, "SourceAddress")), address_of(walk, get(entity, "DestinationAddress")))
end

function take.account(walk, entity)
    local inner = get(entity, "userAccount")
    if type(inner) == "table" then entity = inner end
    local name, suffix = text(entity, "Name", "AccountName"), text(entity, "UPNSuffix")
    local domain = text(entity, "NTDomain", "domainName")
    local full = text(entity, "userPrincipalName", "upn") or (name and suffix and name .. "@" .. suffix)
        or (name and joined(domain, "\\", name))
    alert.account(walk.found, full or text(entity, "AadUserId", "azureAdUserId", "friendlyName"))
end

function take.host(walk, entity)
    local name, domain = text(entity, "deviceDnsName"), nil
    if not name then name, domain = text(entity, "HostName", "NetBiosName", "friendlyName"), text(entity, "DnsDomain") end
    if name then put(walk.found.hosts, joined(name, ".", domain)) end
    alert.join(walk.found.resources, alert.resources(get(entity, "azureID"), alert.at(entity, "vmMetadata", "resourceId")))
    own_addresses(walk, entity)
    own_addresses(walk, alert.opened(get(entity, "additionalData")))
end

function take.nic(walk, entity)
    own_addresses(walk, entity)
end
take.iotdevice = take.nic

function take.url(walk, entity)
    put(walk.found.urls, text(entity, "Url", "friendlyName"))
end

function take.file(walk, entity)
    local inner = get(entity, "fileDetails")
    if type(inner) == "table" then entity = inner end
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

-- What kind of thing an object is, and where its members stand: Graph says so in "@odata.type",
-- Sentinel in "kind" beside "properties", Defender in "Type". Graph leaves its type out where
-- the place says it.
local function kind_of(value)
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
    end
    return kind, entity
end

local visit

local function visit_members(walk, value, depth)
    for name, item in pairs(value) do
        local place = type(name) == "string" and positions[squeezed(name)] or nil
        if type(item) == "table" then
            visit(walk, item, place, depth + 1)
        elseif place then
            many(walk.found, item, place)
        end
    end
end

-- Each object is looked at once, so that references in a circle end; only an address counts at
-- each place where it is named. A reference to what is not there is passed over: nothing can be
-- taken from it, and the rest of the alert is still true.
function visit(walk, value, place, depth)
    value = resolved(walk, value)
    if type(value) ~= "table" or depth > DEPTH_MAX then return end
    if #value > 0 then
        if walk.seen[value] then return end
        walk.seen[value] = true
        for _, item in ipairs(value) do visit(walk, item, place, depth + 1) end
        return
    end
    local is_known = walk.seen[value]
    if is_known and not place then return end
    local kind, entity = kind_of(value)
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
for word in ("client caller source src remote attacker external public user origin actor destination dest dst victim"
    .. " target host server machine local internal private"):gmatch("%a+") do
    run_together[word] = true
end

-- The words of a name: "Attacker source IP", "clientIpAddress", "src_ip".
local function words_of(name)
    local words = {}
    for word in name:gsub("(%l)(%u)", "%1 %2"):gsub("IP([Aas])", "IP %1"):gmatch("%a+") do
        word = word:lower()
        local first = word:match("^(%a+)ips?$") or word:match("^(%a+)ipaddr$") or word:match("^(%a+)ipaddress$")
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
    { "own", "victim target targeted attacked compromised host machine server local internal private resource vm protected" },
    { "attacker", "attack" },
    { "target", "destination dest dst" },
}

-- Whose address a property names: "Attacker source IP", "Client IP Address", "Destination IP".
-- nil when it is not about addresses. "Attackers" and "Victim" may hold addresses or names.
local function property_of(name, value)
    local words = words_of(name)
    local is_one = any(words, "attacker attackers adversary") and not any(words, "version agent tool name")
        or (type(value) == "string" and alert.ip(value) ~= nil and any(words, "victim target compromised attacked"))
    if not is_one and not any(words, "ip ips ipaddr ipaddress ipaddresses address addresses ipv") then return nil end
    if any(words, "location country region port ports count number organization organisation asn mac email mail url") then
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
    if not upn and not caller then alert.account(found, claims.objectidentifier or claims.oid or claims.appid) end
    many(found, text(alert.opened(get(entry, "httpRequest")), "clientIpAddress"))
    many(found, text(entry, "callerIpAddress", "clientIpAddress"))
    many(found, claims.ipaddr)
    local name = text(entry, "userName")
    if name then alert.account(found, joined(text(entry, "domainName"), "\\", name)) end
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
    return kind:find("alert", 1, true) ~= nil
        and (kind:find("defender", 1, true) or kind:find("securit", 1, true) or kind:find("sentinel", 1, true)) ~= nil
end

-- An alert by itself: what happened, to what, and who did it.
local function from_envelope(event, data)
    local found = alert.found()
    local own = alert.severity(text(data, "severity", "AlertSeverity", "ReportedSeverity"))
    if is_typed_alert(data) or (not own and (is_like_an_alert(data) or is_about_an_alert(event.type))) then
        alert.refuse("the event " .. shown(event.type) .. " holds a security alert of a form that is not known:"
            .. " want one of Defender for Cloud, Sentinel, Graph or Defender XDR as data")
    end
    if not own and text(data, "severity") then
        alert.note(found, 'the severity "' .. shown(text(data, "severity")) .. '" is not known: informational')
    end
    alert.actor(found, data)
    local entities, resources = alert.settle(found)
    resources = alert.join(alert.resources(text(data, "resourceUri", "resourceId"), event.subject, event.source), resources)
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

-- What an event of Event Grid or CloudEvents says. An alert of a kind that is known in its data,
-- or each alert in a list of them, is read as that.
function alert.envelope(event)
    local data = alert.opened(event.data)
    local kind = type(data) == "table" and alert.kind(data)
    if kind and kind ~= "generic" then return alert.as(kind, data) end
    local alerts = {}
    for _, one in ipairs(items_of(data) or {}) do
        local its = alert.kind(one)
        if its and its ~= "generic" then
            local read = alert.as(its, one)
            alert.join(alerts, read and (#read > 0 and read or { read }) or {})
        elseif is_typed_alert(one) or is_like_an_alert(one) then
            from_envelope(event, one)
        end
    end
    return #alerts > 0 and alerts or from_envelope(event, data)
end
