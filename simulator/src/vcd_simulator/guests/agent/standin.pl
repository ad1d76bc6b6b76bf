#!/usr/.host/bin/perl
# The command that every stand-in (kubeadm, systemctl, …) is a link to. It tells the simulator its name, arguments,
# directory and environment, and then does what it is told: read, write, print, run, exit. What a stand-in does to
# files therefore happens inside the sandbox, where the guest's own view of them holds.
#
# Every message is one letter, a length (32 bits, big endian) and that many bytes.
use strict;

my $channel;
my $connected = socket($channel, 1, 1, 0) && connect($channel, pack('S a*', 1, '/usr/.channel'));
if (!$connected) {
    print STDERR "$0: the machine is going down\n";
    exit 1;
}

sub tell_simulator {
    my $message = pack('a1 N', $_[0], length $_[1]) . $_[1];
    my $sent = 0;
    while ($sent < length $message) {
        my $count = syswrite($channel, $message, length($message) - $sent, $sent) or exit 1;
        $sent += $count;
    }
}

sub hear {
    my ($length, $bytes) = ($_[0], '');
    while (length $bytes < $length) {
        sysread($channel, $bytes, $length - length $bytes, length $bytes) or exit 1;
    }
    return $bytes;
}

sub fields { return map { pack('N', length $_) . $_ } @_ }

sub parts {
    my @parts = ();
    my $at = 0;
    while ($at < length $_[0]) {
        my $length = unpack('N', substr($_[0], $at, 4));
        push @parts, substr($_[0], $at + 4, $length);
        $at += 4 + $length;
    }
    return @parts;
}

sub answer { tell_simulator('A', join '', fields(@_)) }

sub say_on {
    my ($handle, $bytes) = @_;
    my $sent = 0;
    while ($sent < length $bytes) {
        my $count = syswrite($handle, $bytes, length($bytes) - $sent, $sent) or exit 1;
        $sent += $count;
    }
}

sub read_file {
    return answer(21) if -d $_[0];    # EISDIR: Perl would open it, and read nothing
    open(my $file, '<:raw', $_[0]) or return answer($! + 0);
    local $/;
    my $bytes = <$file>;
    answer(0, defined $bytes ? $bytes : '');
}

sub write_file {
    my ($path, $mode, $bytes, $append) = @_;
    open(my $file, $append ? '>>:raw' : '>:raw', $path) or return answer($! + 0);
    print {$file} $bytes;
    close $file or return answer($! + 0);
    chmod oct $mode, $path if $mode ne '';
    answer(0);
}

sub list_directory {
    opendir(my $listing, $_[0]) or return answer($! + 0);
    answer(0, readdir $listing);
}

# Owners are kept in an attribute of the file, since all files of a guest belong to one user of the host.
my $attribute = 'user.vcdsim.owner';
my ($setxattr, $getxattr) = (0, 0);

sub owner_of {
    my ($path, $name, $buffer) = ("$_[0]", $attribute, "\0" x 64);
    return '' if !$getxattr || -l $path;
    my $length = syscall(int $getxattr, $path, $name, $buffer, 64);
    return $length > 0 ? substr($buffer, 0, $length) : '';
}

sub set_owner {
    my ($path, $user, $group, $recursive, $problems) = @_;
    my @paths = ($path);
    while (defined($path = shift @paths)) {
        if (!lstat $path) { push @$problems, $path, $! + 0; next }
        next if -l $path;
        my ($old_user, $old_group) = split /:/, owner_of($path) || '0:0';
        my ($target, $name) = ("$path", $attribute);
        my $value = ($user eq '' ? $old_user : $user) . ':' . ($group eq '' ? $old_group : $group);
        syscall(int $setxattr, $target, $name, $value, length $value, 0) if $setxattr;
        next if !$recursive || !-d $path || !opendir(my $listing, $path);
        push @paths, map { $path . '/' . $_ } grep { $_ ne '.' && $_ ne '..' } readdir $listing;
    }
}

sub set_owners {
    my ($user, $group, $recursive, @paths);
    ($setxattr, $getxattr, $user, $group, $recursive, @paths) = @_;
    my @problems = ();
    set_owner($_, $user, $group, $recursive, \@problems) for @paths;
    answer(@problems);
}

# Number and owner of every path that has one, and with "entries" of what is in the directories among them.
sub tell_owners {
    my ($entries, @paths);
    ($getxattr, $entries, @paths) = @_;
    my @found = ();
    while (@paths) {
        my $path = shift @paths;
        my $owner = owner_of($path);
        push @found, $path, (lstat $path)[1], $owner if $owner ne '';
        next if !$entries || -l $path || !-d $path || !opendir(my $listing, $path);
        for my $name (readdir $listing) {
            my $below = "$path/$name";
            if ($entries eq 'all' && $name ne '.' && $name ne '..') { push @paths, $below; next }
            my $owner = owner_of($below);
            push @found, $below, (lstat $below)[1], $owner if $owner ne '';
        }
    }
    answer(@found);
}

# Programs are told the name that the caller used, not where they really are.
sub name_of { return $_[0] =~ m{([^/]+)$} ? $1 : $_[0] }

sub exit_code { return $? & 127 ? 128 + ($? & 127) : $? >> 8 }

sub run {
    my ($program, @arguments) = @_;
    system { $program } name_of($program), @arguments;
    answer(exit_code());
}

sub capture {
    my ($program, @arguments) = @_;
    my $pid = open(my $pipe, '-|');
    return answer(127, '') if !defined $pid;
    if (!$pid) {
        exec { $program } name_of($program), @arguments;
        exit 127;
    }
    local $/;
    my $output = <$pipe>;
    close $pipe;
    answer(exit_code(), defined $output ? $output : '');
}

my @environment = map { "$_=$ENV{$_}" } keys %ENV;
my $directory = readlink('/proc/self/cwd');
tell_simulator('C', join '', fields($0, $directory, scalar @ARGV, @ARGV, @environment));
while (1) {
    my ($verb, $length) = unpack('a1 N', hear(5));
    my $body = hear($length);
    if ($verb eq 'o') { say_on(\*STDOUT, $body) }
    elsif ($verb eq 'e') { say_on(\*STDERR, $body) }
    elsif ($verb eq 'q') { exit $body }
    elsif ($verb eq 'i') { local $/; my $input = <STDIN>; answer(0, defined $input ? $input : '') }
    elsif ($verb eq 'r') { read_file($body) }
    elsif ($verb eq 'w') { write_file(parts($body)) }
    elsif ($verb eq 's') { answer(0, -e $body ? 1 : 0) }
    elsif ($verb eq 'd') { list_directory($body) }
    elsif ($verb eq 'k') { set_owners(parts($body)) }
    elsif ($verb eq 'g') { tell_owners(parts($body)) }
    elsif ($verb eq 'c') { capture(parts($body)) }
    elsif ($verb eq 'x') { run(parts($body)) }
}
