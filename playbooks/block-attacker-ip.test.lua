-- SPDX-License-Identifier: Apache-2.0
-- What block-attacker-ip asks for, for each thing that it may meet.
local nsg = "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop"
            .. "/providers/Microsoft.Network/networkSecurityGroups/shop-nsg"

return {
  {
    name   = "all addresses are blocked in one rule, for a day when nothing else is said",
    params = { nsg = nsg, ips = { "203.0.113.7", "203.0.113.0/28" } },
    expect = { { "azure.nsg.block_ips", { id = nsg, ips = { "203.0.113.7", "203.0.113.0/28" },
                                          expires = "24h" } } },
  },
  {
    name   = "the block lasts as long as is said",
    params = { nsg = nsg, ips = { "2001:db8::7" }, expires = "2h" },
    expect = { { "azure.nsg.block_ips", { expires = "2h" } } },
  },
  {
    name    = "a block that is refused is an error, and is asked for once",
    params  = { nsg = nsg, ips = { "203.0.113.7" } },
    answers = { ["azure.nsg.block_ips"] = { error = { code = "SecurityRuleConflict",
                                                      message = "no free priority" } } },
    expect  = { "azure.nsg.block_ips" },
    ends    = "SecurityRuleConflict",
  },
}
