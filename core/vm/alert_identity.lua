-- SPDX-License-Identifier: Apache-2.0
--
-- The library of adapters, continued: whether an alert is over or simulated, which product raised
-- it, what it is recognised by, and which of its resources was attacked.

local alert = ...
local text, squeezed, put = alert.text, alert.squeezed, alert.put

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

-- "%f[%W]": the word ends there, so that "Sample alerted" is none of them.
local sample_titles = { "^%W*sample%W*alert%f[%W]", "^%W*test%W*alert%f[%W]", "^%W*simulated%W*alert%f[%W]",
    "^%W*this is a sample alert%f[%W]", "^%s*%[sample%]", "^%s*%[simulated%]",
    "^microsoft defender for [%a ]+ test alert%f[%W]", "^azure security center test alert%f[%W]" }

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
    ["defender-for-cloud"] = "azuresecuritycenter asc microsoftdefenderforcloud azuredefender microsoftazuredefender"
        .. " microsoftdefenderforservers microsoftdefenderforstorage microsoftdefenderfordns"
        .. " microsoftdefenderfordatabases microsoftdefenderforcontainers microsoftdefenderfornetwork"
        .. " microsoftdefenderforappservice microsoftdefenderforkeyvault microsoftdefenderforresourcemanager"
        .. " microsoftdefenderforapimanagement microsoftdefenderforapis microsoftdefenderforsql"
        .. " microsoftdefenderforkubernetes microsoftdefenderforcosmosdb microsoftdefenderforai defenderforcloud",
    ["sentinel"] = "azuresentinel microsoftsentinel nrtalerts scheduledalerts",
    ["defender-for-endpoint"] = "microsoftdefenderforendpoint microsoftdefenderadvancedthreatprotection mdatp"
        .. " windowsdefenderatp microsoftdefenderatp",
    ["defender-for-identity"] = "microsoftdefenderforidentity azureadvancedthreatprotection aatp",
    ["defender-for-office-365"] = "microsoftdefenderforoffice365 office365advancedthreatprotection officeatp"
        .. " oatp",
    ["defender-for-cloud-apps"] = "microsoftdefenderforcloudapps microsoftcloudappsecurity cloudappsecurity"
        .. " mcas",
    ["defender-for-iot"] = "microsoftdefenderforiot azuresecuritycenterforiot",
    ["defender-xdr"] = "microsoft365defender microsoftdefenderxdr m365defender microsoftxdr"
        .. " microsoftthreatprotection",
    ["entra-id-protection"] = "azureadidentityprotection azureactivedirectoryidentityprotection"
        .. " microsoftentraidprotection aadidentityprotection ipc",
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
