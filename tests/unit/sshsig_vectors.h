/* SPDX-License-Identifier: Apache-2.0 */
/* Made by sshsig_vectors.py. */
#pragma once

/* clang-format off */
static const char v_message[] =
    "{\"digest\":\"d\",\"gate\":\"g-000001-1\",\"v\":\"cordon.approval.v1\"}";
static const char v_ed25519_key[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICk1yzduvtWO7oLhyA0y2Aq3A7DHpqucIHc1g99G"
    "o9t5 ed25519";
static const char v_ed25519_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgKTXLN26+1Y7uguHIDTLYCrcDsM\n"
    "emq5wgdzWD30aj23kAAAAPYXBwcm92YWxAY29yZG9uAAAAAAAAAAZzaGE1MTIAAABTAAAA\n"
    "C3NzaC1lZDI1NTE5AAAAQEwVc7IfUYJcLi17cSCv87AYhYUaSlKlzoA6wr7ejq+jfoTimV\n"
    "Tp6xz8R6J6uyzsHf+AyctOlnMWdtVLPCZEpQM=\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_ed25519_git_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgKTXLN26+1Y7uguHIDTLYCrcDsM\n"
    "emq5wgdzWD30aj23kAAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5\n"
    "AAAAQAwBZIl9jeZO/wtL0JtrCKsHR9AQ5fFPo5NE8g21W6fnb0ZWIZI+hOU6s/VA+2FEbz\n"
    "DpTdih2X0fycm5GTJHBAc=\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_ed25519_sha256_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgKTXLN26+1Y7uguHIDTLYCrcDsM\n"
    "emq5wgdzWD30aj23kAAAAPYXBwcm92YWxAY29yZG9uAAAAAAAAAAZzaGEyNTYAAABTAAAA\n"
    "C3NzaC1lZDI1NTE5AAAAQDqRX9Jtgc6YHAQuOtp824PPfstHfFqaE1TYcW2AHSDInvnRMp\n"
    "7n/5ZyCUnoUcJJJH+hWefCgIQVUINJk398RAA=\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_p256_key[] =
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFSG"
    "KfoBxgCuD4GNLCesr6xLDIBtv+awGJ5fg1GeimGJnB6I6s6SXmcVQ09aWLzA5oOGz4i6A+IUsZLa"
    "Hm4NQGk= p256";
static const char v_p256_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAE\n"
    "EEVIYp+gHGAK4PgY0sJ6yvrEsMgG2/5rAYnl+DUZ6KYYmcHojqzpJeZxVDT1pYvMDmg4bP\n"
    "iLoD4hSxktoebg1AaQAAAA9hcHByb3ZhbEBjb3Jkb24AAAAAAAAABnNoYTUxMgAAAGMAAA\n"
    "ATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAEgAAAAgYvbZDjTg7examGJoE0oFNhkmoDt2doOe\n"
    "9NxoJj5fM2gAAAAgUumsl8N+ODdrmHlb85A5ngcT9kmG0KGvaejNKtVd1eM=\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_p384_key[] =
    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBBO3"
    "rw1aB1VMn/vhzt68oh8Cq0zRy+YjOEVTBNR8iyFI1yoF0L+OcURvBTstJcwjEVqEBi3IaPSXJxJy"
    "uspJB7WBmHPU3tcxzNFkql8WzdimqdLBwTOBZfcY6fQVwgIEDA== p384";
static const char v_p384_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAAIgAAAATZWNkc2Etc2hhMi1uaXN0cDM4NAAAAAhuaXN0cDM4NAAAAG\n"
    "EEE7evDVoHVUyf++HO3ryiHwKrTNHL5iM4RVME1HyLIUjXKgXQv45xRG8FOy0lzCMRWoQG\n"
    "Lcho9JcnEnK6ykkHtYGYc9Te1zHM0WSqXxbN2Kap0sHBM4Fl9xjp9BXCAgQMAAAAD2FwcH\n"
    "JvdmFsQGNvcmRvbgAAAAAAAAAGc2hhNTEyAAAAgwAAABNlY2RzYS1zaGEyLW5pc3RwMzg0\n"
    "AAAAaAAAADABCfePYY8CC0ajin3XOjlZQbQd/al1a1e+odWkJpSx/f5NXl4bvdm9NeKgXd\n"
    "SvsDwAAAAwFNm3Ea624cs0SNPQt+OCLGlnEsvxYfjWLurkLOzLL2fDRmkDDPnWxunzv8cS\n"
    "ErMh\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_rsa_key[] =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC25/8WH8Zevlsnz7wE+grlPZoqO1l0uqfpGABB"
    "HOwDXcfAEqgFQHS82/zEmD11cbvgBRT6J3bz+MkfdfDFrpRM0FFSrMtf6XavgdB56ed7rLtOEpZz"
    "te+RqjrKFIEknP6tTLp0bsnmu++5MMtZXUag6d5mpp7aafm3Jl9P1R60JdP+nc/VbjF2QJl0O83g"
    "XmSP8VrEtlwngFDKZIwg+gUrDfZ2QYF7SG6rPAYe2yoS+iLVBG7sMBPRKRsWdzrrZ8qQCGXGDlL/"
    "4Kche9Mz7SDJAQtCH0GSA+UiLmdmVf8yuacDqcfEY+TO8H/DtMrJC6i+LLu5qRq4Jzrm52JtxMOZ"
    " rsa";
static const char v_rsa_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAARcAAAAHc3NoLXJzYQAAAAMBAAEAAAEBALbn/xYfxl6+WyfPvAT6Cu\n"
    "U9mio7WXS6p+kYAEEc7ANdx8ASqAVAdLzb/MSYPXVxu+AFFPondvP4yR918MWulEzQUVKs\n"
    "y1/pdq+B0Hnp53usu04SlnO175GqOsoUgSSc/q1MunRuyea777kwy1ldRqDp3mamntpp+b\n"
    "cmX0/VHrQl0/6dz9VuMXZAmXQ7zeBeZI/xWsS2XCeAUMpkjCD6BSsN9nZBgXtIbqs8Bh7b\n"
    "KhL6ItUEbuwwE9EpGxZ3OutnypAIZcYOUv/gpyF70zPtIMkBC0IfQZID5SIuZ2ZV/zK5pw\n"
    "Opx8Rj5M7wf8O0yskLqL4su7mpGrgnOubnYm3Ew5kAAAAPYXBwcm92YWxAY29yZG9uAAAA\n"
    "AAAAAAZzaGE1MTIAAAEUAAAADHJzYS1zaGEyLTUxMgAAAQAwmExcfmthp0n97MQ2uH5tfz\n"
    "Y+CIdSlCUpQ4Dcb3qoZ1w+oNnhqQ0E5M6oAakO4oMlBBRUQzcfKSf7hNE4VjTVS8u/T8D9\n"
    "Y03cDo6L8WdaBMRR+Ill5jf/YU5sg5hY1440Tgn6gQoByg3X5kXYfCgMRFMz+Ip7QqUtti\n"
    "r62A2QXJFghXB89BhEe+hdMlr7qtgoDoOGTyT3LHgX/fvIMoalaYFy9MN63gf6XARkdelG\n"
    "hCLNqdGpxXvTcW8dIBC2yN5wHZ4FfIc95x0g5II3WcV38bb2cZ7nS5efZ4ufsIrhxTvVtA\n"
    "uA63wMKfZuvzmy1r4/nXZaLmW43+dIL1u51C9l\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_p521_key[] =
    "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBADU"
    "xiljZHd2KyMEju0R8Kihj0LzRnWhTkUz+f4r64d6gF91QifGrSQTaEhP5q4gDxrfgiWpG4S8aHNw"
    "/lQhojF1BwHQFFfvlpV3s705A6k2u++ks4mGUMEPv/CLHDMv0T1JyV9QMwg0RrQ8z3B6U0p0Mibl"
    "5grWpKEaE2GH34EK1ldkFQ== p521";
static const char v_p521_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAAKwAAAATZWNkc2Etc2hhMi1uaXN0cDUyMQAAAAhuaXN0cDUyMQAAAI\n"
    "UEANTGKWNkd3YrIwSO7RHwqKGPQvNGdaFORTP5/ivrh3qAX3VCJ8atJBNoSE/mriAPGt+C\n"
    "JakbhLxoc3D+VCGiMXUHAdAUV++WlXezvTkDqTa776SziYZQwQ+/8IscMy/RPUnJX1AzCD\n"
    "RGtDzPcHpTSnQyJuXmCtakoRoTYYffgQrWV2QVAAAAD2FwcHJvdmFsQGNvcmRvbgAAAAAA\n"
    "AAAGc2hhNTEyAAAApgAAABNlY2RzYS1zaGEyLW5pc3RwNTIxAAAAiwAAAEIBme10y4bnlu\n"
    "DW398CQW1AA4UTn2q54swrcMY+K1jAlDPYejQYrLPI457t6U5yuSoLGzvuwpSERQhfo+n1\n"
    "IHw7+Q0AAABBcy3CYg0w4gpdPqqZDF/yJJl6iF7irxLHETg99T9PVNZCe/4sjkUQ9aC8YT\n"
    "S301wrzbiV2FW0lRGtFR6pQbQ+ugs=\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_sk_ed25519_key[] =
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIKPTC"
    "SXX2K0LJ/3T60on1VfvySmV8lKDgxxAuCHwgGrIAAAABHNzaDo= sk";
static const char v_sk_ed25519_touched_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAAEoAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAAAgo9MJJd\n"
    "fYrQsn/dPrSifVV+/JKZXyUoODHEC4IfCAasgAAAAEc3NoOgAAAA9hcHByb3ZhbEBjb3Jk\n"
    "b24AAAAAAAAABnNoYTUxMgAAAGcAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAA\n"
    "BAm528MoJ8ona4NXmpv2goSiWSh4MEYYOPpIarC2iMRtiguJchNN5kOdBr0cqNhctxtWYO\n"
    "YjzIKkgEmz6up8CMAQEAAAAH\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_sk_ed25519_verified_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAAEoAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAAAgo9MJJd\n"
    "fYrQsn/dPrSifVV+/JKZXyUoODHEC4IfCAasgAAAAEc3NoOgAAAA9hcHByb3ZhbEBjb3Jk\n"
    "b24AAAAAAAAABnNoYTUxMgAAAGcAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAA\n"
    "BAW640cz9uICiCDuiaaKPdnUzRLixKHE7ITb0YRPTsVZtTnV2bawH4Sv1Unxp70brJjNni\n"
    "EskJPNCSpGfgn3ikCQUAAAAH\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_sk_ed25519_untouched_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAAEoAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAAAgo9MJJd\n"
    "fYrQsn/dPrSifVV+/JKZXyUoODHEC4IfCAasgAAAAEc3NoOgAAAA9hcHByb3ZhbEBjb3Jk\n"
    "b24AAAAAAAAABnNoYTUxMgAAAGcAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAA\n"
    "BAF9XpCYvaSPfnj+3+kTK2iE9hgxO3Nnlp6sTFUZuPiuLrz3u/zZpYKAErPe85vILO13p0\n"
    "yRgm2djSsdmevRtAAwAAAAAH\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_sk_p256_key[] =
    "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3Blb"
    "nNzaC5jb20AAAAIbmlzdHAyNTYAAABBBOurc8AgsqHVTDP1rYQSlFjgV0pYiPTMdL4JmK5mC/pLj"
    "6YIj0qZ4hKDQgC8m9cyEhTyCnpHuRxvC87xfqLiN5UAAAAEc3NoOg== sk";
static const char v_sk_p256_touched_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAAH8AAAAic2stZWNkc2Etc2hhMi1uaXN0cDI1NkBvcGVuc3NoLmNvbQ\n"
    "AAAAhuaXN0cDI1NgAAAEEE66tzwCCyodVMM/WthBKUWOBXSliI9Mx0vgmYrmYL+kuPpgiP\n"
    "SpniEoNCALyb1zISFPIKeke5HG8LzvF+ouI3lQAAAARzc2g6AAAAD2FwcHJvdmFsQGNvcm\n"
    "RvbgAAAAAAAAAGc2hhNTEyAAAAeAAAACJzay1lY2RzYS1zaGEyLW5pc3RwMjU2QG9wZW5z\n"
    "c2guY29tAAAASQAAACAZQ+iKGO0j8ygBPfJCYKIjqUiG/IZ80N2WsSSOci/pFwAAACEA52\n"
    "QYP3XHyxGKZVJNJO1kTrAkmz34Gss7pJ5C+oK+d3ABAAAABw==\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_sk_p256_verified_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAAH8AAAAic2stZWNkc2Etc2hhMi1uaXN0cDI1NkBvcGVuc3NoLmNvbQ\n"
    "AAAAhuaXN0cDI1NgAAAEEE66tzwCCyodVMM/WthBKUWOBXSliI9Mx0vgmYrmYL+kuPpgiP\n"
    "SpniEoNCALyb1zISFPIKeke5HG8LzvF+ouI3lQAAAARzc2g6AAAAD2FwcHJvdmFsQGNvcm\n"
    "RvbgAAAAAAAAAGc2hhNTEyAAAAeAAAACJzay1lY2RzYS1zaGEyLW5pc3RwMjU2QG9wZW5z\n"
    "c2guY29tAAAASQAAACAlMviiHOwJ/f3G3faazmUOJZXo3bPs3mIhLPlsGLCclwAAACEA7c\n"
    "3aMEZVBFsCx6O9JsKnIu6P4ucKHyS99+g9KZlHDDMFAAAABw==\n"
    "-----END SSH SIGNATURE-----\n";
static const char v_sk_p256_untouched_sig[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAAH8AAAAic2stZWNkc2Etc2hhMi1uaXN0cDI1NkBvcGVuc3NoLmNvbQ\n"
    "AAAAhuaXN0cDI1NgAAAEEE66tzwCCyodVMM/WthBKUWOBXSliI9Mx0vgmYrmYL+kuPpgiP\n"
    "SpniEoNCALyb1zISFPIKeke5HG8LzvF+ouI3lQAAAARzc2g6AAAAD2FwcHJvdmFsQGNvcm\n"
    "RvbgAAAAAAAAAGc2hhNTEyAAAAdwAAACJzay1lY2RzYS1zaGEyLW5pc3RwMjU2QG9wZW5z\n"
    "c2guY29tAAAASAAAACBJKE2TRQ0ORMLnCFECnpF8afLrowC7nX7IZI5aJ3h3gAAAACBbXI\n"
    "BN4CtrAAs/YBpcuTnII8x1VhAROC58I0pGkY7DhQAAAAAH\n"
    "-----END SSH SIGNATURE-----\n";
/* clang-format on */
